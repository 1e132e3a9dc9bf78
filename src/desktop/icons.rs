//! Icons: code points of the bundled Lucide font, which can stand in any text.
//!
//! To add an icon, add a line here and run `assets/fonts/build.py`.

/// Declares the icons and a table of them, which a test compares with the font.
macro_rules! icons {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)+) => {
        $($(#[$doc])* pub const $name: &str = $code;)+

        /// All icons by name.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $code)),+];
    };
}

icons! {
    /// The playground (`messages-square`).
    PLAYGROUND = "\u{e40d}";
    /// The monitor (`activity`).
    MONITOR = "\u{e038}";
    /// Compare (`scale`).
    COMPARE = "\u{e212}";
    /// The runs (`scroll-text`).
    RUNS = "\u{e45f}";
    /// Conformance (`clipboard-check`).
    CONFORMANCE = "\u{e219}";
    /// The gateway (`waypoints`).
    GATEWAY = "\u{e542}";
    /// The settings (`settings`).
    SETTINGS = "\u{e154}";
    /// Send (`send`).
    SEND = "\u{e152}";
    /// The Enter key (`corner-down-left`).
    ENTER = "\u{e0a1}";
    /// Start, or go on (`play`).
    PLAY = "\u{e13c}";
    /// Stop (`circle-stop`).
    STOP = "\u{e083}";
    /// Again (`rotate-ccw`).
    RETRY = "\u{e148}";
    /// Fetch again (`refresh-cw`).
    REFRESH = "\u{e145}";
    /// Edit (`pencil`).
    EDIT = "\u{e1f9}";
    /// New conversation (`square-pen`).
    EDIT_BOX = "\u{e172}";
    /// Fork (`git-fork`).
    FORK = "\u{e28d}";
    /// Clear (`eraser`).
    CLEAR = "\u{e28f}";
    /// Copy (`copy`).
    COPY = "\u{e09e}";
    /// Copied (`copy-check`).
    COPIED = "\u{e3fb}";
    /// Delete (`trash-2`).
    DELETE = "\u{e18e}";
    /// Close (`x`).
    CLOSE = "\u{e1b2}";
    /// Done (`check`).
    CHECK = "\u{e06c}";
    /// Add (`plus`).
    ADD = "\u{e13d}";
    /// Remove (`minus`).
    REMOVE = "\u{e11c}";
    /// Search (`search`).
    SEARCH = "\u{e151}";
    /// Filter (`list-filter`).
    FILTER = "\u{e460}";
    /// Expanded, or a menu (`chevron-down`).
    CHEVRON_DOWN = "\u{e06d}";
    /// Collapsed (`chevron-right`).
    CHEVRON_RIGHT = "\u{e06f}";
    /// Up (`chevron-up`).
    CHEVRON_UP = "\u{e070}";
    /// Back (`chevron-left`).
    CHEVRON_LEFT = "\u{e06e}";
    /// Sorted in ascending order (`arrow-up`).
    ARROW_UP = "\u{e04a}";
    /// Sorted in descending order (`arrow-down`).
    ARROW_DOWN = "\u{e042}";
    /// Opens outside the window (`external-link`).
    EXTERNAL = "\u{e0b9}";
    /// Attach (`paperclip`).
    ATTACH = "\u{e12d}";
    /// Image (`image`).
    IMAGE = "\u{e0f6}";
    /// Reasoning (`brain`).
    REASONING = "\u{e3c6}";
    /// Tool call (`wrench`).
    TOOL = "\u{e1b1}";
    /// Parameters (`sliders-horizontal`).
    PARAMS = "\u{e29a}";
    /// System prompt (`text-quote`).
    SYSTEM = "\u{e49e}";
    /// Target (`crosshair`).
    TARGET = "\u{e0ac}";
    /// Endpoint (`server`).
    ENDPOINT = "\u{e153}";
    /// Model (`box`).
    MODEL = "\u{e061}";
    /// Key (`key-round`).
    KEY = "\u{e4a3}";
    /// Keyboard (`keyboard`).
    KEYBOARD = "\u{e284}";
    /// Command palette (`command`).
    COMMAND = "\u{e09a}";
    /// Locked (`lock`).
    LOCK = "\u{e10b}";
    /// Network (`globe`).
    GLOBE = "\u{e0e8}";
    /// Appearance (`palette`).
    APPEARANCE = "\u{e1dd}";
    /// Dark (`moon`).
    DARK = "\u{e11e}";
    /// Light (`sun`).
    LIGHT = "\u{e178}";
    /// As the system (`monitor`).
    SYSTEM_THEME = "\u{e11d}";
    /// Data (`database`).
    DATA = "\u{e0ad}";
    /// Folder (`folder-open`).
    FOLDER = "\u{e247}";
    /// Video (`film`).
    VIDEO = "\u{e0d0}";
    /// File (`file-text`).
    FILE = "\u{e0cc}";
    /// Export (`download`).
    EXPORT = "\u{e0b2}";
    /// Save (`save`).
    SAVE = "\u{e14d}";
    /// Information (`info`).
    INFO = "\u{e0f9}";
    /// Help (`circle-question-mark`).
    HELP = "\u{e082}";
    /// Succeeded (`circle-check`).
    OK = "\u{e226}";
    /// Failed (`circle-x`).
    FAULT = "\u{e084}";
    /// Warning (`triangle-alert`).
    WARN = "\u{e193}";
    /// Stopped by the user (`circle-slash`).
    CANCELLED = "\u{e402}";
    /// Not started (`circle-dashed`).
    QUEUED = "\u{e4b0}";
    /// Connecting (`plug-zap`).
    CONNECTING = "\u{e45c}";
    /// Waiting for the first token (`hourglass`).
    WAITING = "\u{e296}";
    /// Tokens are coming (`audio-waveform`).
    STREAMING = "\u{e55b}";
    /// Cold connection (`snowflake`).
    COLD = "\u{e165}";
    /// Warm connection (`flame`).
    WARM = "\u{e0d2}";
    /// Simulated (`flask-conical`).
    SIMULATED = "\u{e0d5}";
    /// Time (`clock`).
    CLOCK = "\u{e087}";
    /// Duration (`timer`).
    TIMER = "\u{e1e0}";
    /// Speed (`gauge`).
    SPEED = "\u{e1bf}";
    /// Shown (`eye`).
    EYE = "\u{e0ba}";
    /// Hidden (`eye-off`).
    EYE_OFF = "\u{e0bb}";
    /// More (`ellipsis`).
    MORE = "\u{e0b6}";
    /// Best of its row (`trophy`).
    BEST = "\u{e373}";
    /// List (`list`).
    LIST = "\u{e106}";
    /// Grid (`layout-grid`).
    GRID = "\u{e0ff}";
    /// Side by side (`columns-2`).
    COLUMNS = "\u{e098}";
    /// Large (`maximize-2`).
    MAXIMIZE = "\u{e113}";
    /// Small (`minimize-2`).
    MINIMIZE = "\u{e11b}";
    /// Reset or undo (`undo-2`).
    RESET = "\u{e2a1}";
    /// JSON or code (`braces`).
    CODE = "\u{e36a}";
    /// History (`history`).
    HISTORY = "\u{e1f5}";
    /// Details (`panel-right`).
    PANEL_RIGHT = "\u{e431}";
    /// The model (`bot`).
    BOT = "\u{e1bb}";
    /// The person (`user`).
    USER = "\u{e19f}";
    /// A dot (`dot`).
    DOT = "\u{e44f}";
}
