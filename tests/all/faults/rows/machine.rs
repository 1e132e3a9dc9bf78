//! What is a matter of this machine, its disk, its keyring and its other programs: other tests prove it.

use super::{Row, elsewhere};

#[expect(clippy::too_many_lines, reason = "a table")]
pub fn rows() -> Vec<Row> {
    vec![
        elsewhere(
            37,
            "the clock is set while a request runs",
            "Nothing: durations are taken from the monotonic clock",
            &["transport::kernel::linux::tests::a_stamp_is_mapped_unless_the_wall_clock_was_set"],
        ),
        elsewhere(
            38,
            "the machine sleeps",
            "A gap with its reason, “asleep”; no probe is made up for",
            &[
                "monitor::schedule::tests::after_a_sleep_nothing_is_made_up_for",
                "monitor::sleep::tests::each_sleep_is_told_once",
                "engine::monitor::tests::a_probe_that_a_sleep_cuts_off_is_void_and_the_time_is_a_gap",
                "history::gaps::a_run_that_a_sleep_cut_off_is_neither_a_failure_nor_the_users",
            ],
        ),
        elsewhere(
            39,
            "the network is gone",
            "A gap with its reason, “offline”, and no outage",
            &["probe::without_a_network_there_is_a_gap_and_no_outage"],
        ),
        elsewhere(
            40,
            "the program is killed while it writes",
            "What was kept is there at the next start; at most the last second is lost",
            &[
                "kill::a_kill_loses_at_most_the_last_second",
                "two_windows::killing_both_loses_nothing_that_was_kept",
            ],
        ),
        elsewhere(
            41,
            "the disk is full",
            "Why nothing is stored, and that freeing space helps; runs go on, and are stored once there is room",
            &[
                "history::mounts::nothing_is_lost_while_the_disk_is_full",
                "gateway::full_disk::requests_go_on_while_the_disk_is_full",
                "terminal::a_full_disk_is_told_and_never_a_panic",
            ],
        ),
        elsewhere(
            42,
            "the history's file is damaged, or another program's",
            "The name under which it was set aside; a new file is begun, and nothing is deleted",
            &[
                "history::damage::a_text_file_is_set_aside",
                "history::damage::a_truncated_file_is_set_aside",
                "history::damage::every_zeroed_page_is_noticed",
                "history::damage::another_programs_database_is_set_aside_untouched",
                "history::damage::damage_met_in_the_middle_of_a_run_loses_nothing_of_it",
            ],
        ),
        elsewhere(
            43,
            "a newer version wrote the history",
            "It is shown and not changed",
            &[
                "history::damage::a_newer_file_is_shown_and_not_changed",
                "storing::a_file_that_a_newer_version_wrote_is_not_passed_over_in_silence",
            ],
        ),
        elsewhere(
            44,
            "the folder can't be written",
            "It is shown, and why nothing is stored",
            &["history::mounts::a_read_only_disk_is_shown"],
        ),
        elsewhere(
            45,
            "a second window, or another process",
            "Both show the same history, neither loses a turn, and one of them alone probes",
            &[
                "history::live::two_windows_share_the_file_and_neither_takes_the_others_runs_for_dead",
                "history::windows::turns_of_two_windows_are_all_kept",
                "two_windows::two_hundred_turns_of_two_processes_are_all_kept",
                "probe::of_two_processes_one_asks_and_the_other_takes_over",
            ],
        ),
        elsewhere(
            46,
            "the keyring is absent, locked or hung",
            "Which of these it is; a key for this session works all the same",
            &[
                "credentials::a_missing_keyring_stops_only_who_needs_a_key",
                "keyring::broken::a_locked_keyring_is_told_and_a_session_key_still_works",
                "keyring::broken::a_hung_daemon_blocks_no_one_and_is_used_again_when_it_wakes",
                "keyring::broken::a_service_without_a_collection_is_no_keyring_and_no_bus_neither",
            ],
        ),
        elsewhere(
            47,
            "the window is closed while answers come",
            "What it waits for; what had come is kept",
            &[
                "engine::a_conversation_is_found_by_the_next_engine_and_stopping_ends_all",
                "engine::a_stopped_run_keeps_what_had_come",
                "storing::signals_stop_the_runs_and_what_they_said_is_kept",
                "window::a_window_closed_while_answers_come_says_what_it_waits_for_and_keeps_them",
            ],
        ),
    ]
}
