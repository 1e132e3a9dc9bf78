//! The desktop's own gateway: started and stopped by command, on threads of its own, with the engine's history.
//!
//! In: [`GatewayCommand`]s, the settings. Out: [`GatewayNews`], the answers to [`GatewayCommand::Watch`], and the
//! gateway's endpoints, by which this program's own requests go through it.

mod endpoints;
mod follow;

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    Steps, Update,
    task::{self, EngineTask, TaskContext, TaskHandle},
};
use crate::{
    dialect::DialectId,
    endpoint::{Endpoint, local_gateway},
    gateway::{
        self, Gateway, GatewayConfig, GatewayOptions, GatewayStatus, OwnToken, RouteTable,
        TokenKept, first_try,
    },
    settings::Settings,
};

/// How long requests under way may take once it is stopped.
const GATEWAY_GRACE: Duration = Duration::from_secs(3);
/// On how many threads it serves: on one, its address can't be shared, so that a second gateway there is refused and
/// does not take half of the connections.
const THREADS: usize = 1;

/// About the desktop's gateway. Its state is told by [`GatewayNews::Is`].
#[derive(Debug)]
pub enum GatewayCommand {
    /// Starts it, unless it is on.
    Start,
    /// Stops it, unless it is off: requests under way may go on for a moment.
    Stop,
    /// Asks what it is doing: the answer comes at once, and again a few times a second at most while something
    /// changes. It ends with the gateway.
    Watch(Steps<Arc<GatewayStatus>>),
}

/// Updates about the desktop's gateway.
#[derive(Clone, Debug)]
pub enum GatewayNews {
    /// Its state, whenever it changes.
    Is(GatewayState),
    /// Requests of its clients are over: what is shown of the history is out of date.
    Finished,
}

/// The state of the desktop's gateway.
#[derive(Clone, Debug, Default)]
pub enum GatewayState {
    /// It is not running.
    #[default]
    Off,
    /// It is about to run.
    Starting,
    /// It answers.
    On(Arc<GatewayAccess>),
    /// It takes no more requests, and waits for those under way.
    Stopping,
    /// It could not be started: why, and what to do.
    Failed(String),
}

/// How clients reach a running gateway.
#[derive(Clone, Debug)]
pub struct GatewayAccess {
    /// Where it listens.
    pub address: SocketAddr,
    /// The base URL that clients of each protocol are given, the most common one first.
    pub base_urls: Vec<(DialectId, Url)>,
    /// What its clients give as their API key.
    pub token: SecretString,
    /// Why the keyring does not keep the token, which is then a new one at each start.
    pub token_not_kept: Option<String>,
    /// The models that can be asked for by name.
    pub models: Vec<String>,
    /// What is wrong with settings that were read since: the ones before hold.
    pub problem: Option<String>,
}

/// The gateway's endpoints, once they change.
pub(super) type OwnEndpoints = UnboundedReceiver<Vec<Endpoint>>;

/// Starts the gateway's task, with the gateway off.
pub(super) fn start(context: TaskContext) -> (TaskHandle<GatewayCommand>, OwnEndpoints) {
    let (endpoints, changed) = unbounded_channel();
    let handle = task::spawn(GatewayTask {
        context,
        endpoints,
        running: None,
    });
    (handle, changed)
}

/// A gateway that runs, and what follows it.
struct RunningGateway {
    gateway: Gateway,
    token: OwnToken,
    access: GatewayAccess,
    /// Ends what follows it.
    over: CancellationToken,
}

/// While it starts or stops the gateway, further commands wait.
struct GatewayTask {
    context: TaskContext,
    endpoints: UnboundedSender<Vec<Endpoint>>,
    running: Option<RunningGateway>,
}

impl EngineTask for GatewayTask {
    type Command = GatewayCommand;
    type Event = Infallible;

    async fn take(&mut self, command: GatewayCommand) {
        match command {
            GatewayCommand::Start => self.start().await,
            GatewayCommand::Stop => self.stop().await,
            GatewayCommand::Watch(steps) => self.watch(steps),
        }
    }

    fn settings_are(&mut self, settings: Arc<Settings>) {
        self.reload(settings);
    }

    async fn next_event(&mut self) -> Infallible {
        std::future::pending().await
    }

    async fn take_event(&mut self, event: Infallible) {
        match event {}
    }

    async fn end(mut self) {
        self.stop().await;
    }
}

impl GatewayTask {
    async fn start(&mut self) {
        if self.running.is_some() {
            return;
        }
        self.tell(GatewayState::Starting);
        match self.started().await {
            Ok(running) => {
                let finished = follow::finished(running.gateway.watch(), self.context.out.clone());
                tokio::spawn(running.over.clone().run_until_cancelled_owned(finished));
                self.tell(GatewayState::On(Arc::new(running.access.clone())));
                self.offer(&running);
                self.running = Some(running);
            }
            Err(why) => self.tell(GatewayState::Failed(why)),
        }
    }

    async fn started(&self) -> Result<RunningGateway, String> {
        let address = self.listen();
        if !address.ip().is_loopback() {
            return Err(format!(
                "the settings let it listen on {address}, which is open to other machines: the desktop’s gateway is \
                 for this machine only. Change “listen” under [gateway], or use `tokenscope serve --allow-remote`"
            ));
        }
        let routes = routes(&self.context.settings)?;
        let token = OwnToken::of_keyring(&self.context.credentials).await;
        let gateway = gateway::serve(GatewayOptions {
            address,
            hosts: Vec::new(),
            threads: THREADS,
            config: self.config(routes, &token),
            credentials: self.context.credentials.clone(),
            history: self.context.history.clone(),
            log: None,
            audit: None,
        });
        let gateway = gateway.await.map_err(|why| {
            format!(
                "it can’t listen on {address}: {why}. If another gateway runs there, stop it, or set another “listen” \
                 under [gateway] in the settings"
            )
        })?;
        let token_not_kept = match &token.kept {
            TokenKept::Before | TokenKept::Now => None,
            TokenKept::Not(why) => Some(why.clone()),
        };
        let access = GatewayAccess {
            address: gateway.address,
            base_urls: gateway.base_urls(),
            token: token.text.clone(),
            token_not_kept,
            models: gateway.model_names(),
            problem: None,
        };
        Ok(RunningGateway {
            gateway,
            token,
            access,
            over: CancellationToken::new(),
        })
    }

    /// Where the settings let it listen.
    fn listen(&self) -> SocketAddr {
        let settings = &self.context.settings.gateway;
        settings.listen.unwrap_or(gateway::LISTEN)
    }

    fn config(&self, routes: RouteTable, token: &OwnToken) -> GatewayConfig {
        GatewayConfig::of_settings(&self.context.settings, routes, token.token.clone())
    }

    /// Takes other settings. Those that the gateway can't run with change nothing of it.
    fn reload(&mut self, settings: Arc<Settings>) {
        self.context.settings = settings;
        let Some(mut running) = self.running.take() else {
            return;
        };
        let before = (
            running.access.models.clone(),
            running.access.problem.clone(),
        );
        running.access.problem = match routes(&self.context.settings) {
            Ok(routes) => {
                running.gateway.reload(self.config(routes, &running.token));
                let listen = self.listen();
                let stays = listen.port() != 0 && listen != running.access.address;
                stays.then(|| format!("It listens on {listen} once it is turned off and on again"))
            }
            Err(why) => Some(format!("The settings were not taken over: {why}")),
        };
        running.access.models = running.gateway.model_names();
        if before
            != (
                running.access.models.clone(),
                running.access.problem.clone(),
            )
        {
            self.tell(GatewayState::On(Arc::new(running.access.clone())));
            self.offer(&running);
        }
        self.running = Some(running);
    }

    async fn stop(&mut self) {
        let Some(running) = self.running.take() else {
            // After a failure, too.
            return self.tell(GatewayState::Off);
        };
        self.tell(GatewayState::Stopping);
        // Nobody is there to take them once the engine has ended.
        let _ = self.endpoints.send(Vec::new());
        running.over.cancel();
        // Requests that are not over in time are cut off with the future.
        let drained = tokio::time::timeout(GATEWAY_GRACE, running.gateway.drain()).await;
        if drained.is_err() {
            tracing::warn!("requests of the gateway were not over in time");
        }
        self.context
            .out
            .send(Update::Gateway(GatewayNews::Finished));
        self.tell(GatewayState::Off);
    }

    /// Answers with what the gateway is doing; dropping the question's end says that it is off.
    fn watch(&self, steps: Steps<Arc<GatewayStatus>>) {
        if let Some(running) = &self.running {
            let status = follow::status(running.gateway.watch(), steps, self.context.out.clone());
            tokio::spawn(running.over.clone().run_until_cancelled_owned(status));
        }
    }

    /// Gives this program the endpoints by which its own requests go through the gateway.
    fn offer(&self, running: &RunningGateway) {
        let endpoints = endpoints::of(&running.access, &self.context.settings);
        for endpoint in &endpoints {
            let token = running.access.token.clone();
            self.context.credentials.set_in_memory(endpoint, token);
        }
        let _ = self.endpoints.send(endpoints);
    }

    fn tell(&self, state: GatewayState) {
        self.context
            .out
            .send(Update::Gateway(GatewayNews::Is(state)));
    }
}

/// The routes of the settings, and the first try's where the simulator runs and no route has its name.
fn routes(settings: &Settings) -> Result<RouteTable, String> {
    let mut settings = settings.clone();
    // A request must not come back to where it came from.
    (settings.endpoints).retain(|endpoint| !local_gateway::is_own(&endpoint.id));
    let simulated = settings
        .endpoints
        .iter()
        .find(|endpoint| endpoint.simulated);
    let model = simulated.and_then(|endpoint| endpoint.models.first());
    let first_try = model.and_then(|model| first_try(model.clone(), &settings));
    RouteTable::of_settings(first_try.into_iter().collect(), &settings).map_err(|id| {
        format!(
            "a route leads to the endpoint “{id}”, which is not there: add it, or change the route"
        )
    })
}
