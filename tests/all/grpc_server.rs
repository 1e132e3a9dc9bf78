//! A real gRPC server (tonic's) on loopback, over plain HTTP/2 or TLS, that answers as it is told.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    sync::Arc,
};

use futures_util::{Stream, StreamExt as _, stream};
use googleapis_tonic_google_cloud_aiplatform_v1::google::cloud::aiplatform::v1::{
    GenerateContentRequest, GenerateContentResponse,
};
use http::HeaderMap;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use tonic::{Request, Response, Status, server::ServerStreamingService};
use tonic_prost::ProstCodec;

use crate::fault_server::{Authority, Server, serve, serve_tls};

pub const METHOD: &str = "/google.cloud.aiplatform.v1.PredictionService/StreamGenerateContent";

type Messages = Pin<Box<dyn Stream<Item = Result<GenerateContentResponse, Status>> + Send>>;

/// What the server answers: a stream of messages, or a status at once.
pub type Script = Arc<dyn Fn(&GenerateContentRequest) -> Result<Messages, Status> + Send + Sync>;

/// A script that gives these messages, then this status.
pub fn messages(all: Vec<GenerateContentResponse>, end: Result<(), Status>) -> Script {
    Arc::new(move |_| {
        let end = end.clone().err().map(Err);
        let all = all.clone().into_iter().map(Ok).chain(end);
        Ok(stream::iter(all).boxed())
    })
}

/// A request as it came: its headers and its message.
pub type Came = (HeaderMap, GenerateContentRequest);

#[derive(Clone)]
struct Service {
    script: Script,
    came: UnboundedSender<Came>,
}

impl ServerStreamingService<GenerateContentRequest> for Service {
    type Response = GenerateContentResponse;
    type ResponseStream = Messages;
    type Future = Ready<Result<Response<Messages>, Status>>;

    fn call(&mut self, request: Request<GenerateContentRequest>) -> Self::Future {
        let (metadata, _, message) = request.into_parts();
        let answer = (self.script)(&message).map(|messages| {
            let mut answer = Response::new(messages);
            // Some servers say in their head what they were asked with.
            if let Some(key) = metadata.get("authorization") {
                answer.metadata_mut().insert("x-asked-with", key.clone());
            }
            answer
        });
        let _ = self.came.send((metadata.into_headers(), message));
        ready(answer)
    }
}

/// Speaks gRPC on one connection until it ends.
async fn speak<S>(stream: S, service: Service)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let service = service.clone();
        async move {
            assert_eq!(
                (request.method(), request.uri().path()),
                (&http::Method::POST, METHOD)
            );
            let mut grpc = tonic::server::Grpc::new(ProstCodec::default());
            Ok::<_, Infallible>(grpc.server_streaming(service, request).await)
        }
    });
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A server over plain HTTP/2, and what came to it.
pub async fn plain(script: Script) -> (Server, UnboundedReceiver<Came>) {
    let (came, requests) = unbounded_channel();
    let service = Service { script, came };
    let server = serve(move |stream, _| speak(stream, service.clone())).await;
    (server, requests)
}

/// A server over TLS for `localhost`.
pub async fn secure(authority: &Authority, script: Script) -> (Server, UnboundedReceiver<Came>) {
    let (came, requests) = unbounded_channel();
    let service = Service { script, came };
    let acceptor = authority.acceptor(&["localhost"], &[b"h2"]);
    let server = serve_tls(acceptor, move |stream, _| {
        let service = service.clone();
        async move {
            if let Ok(stream) = stream {
                speak(stream, service).await;
            }
        }
    })
    .await;
    (server, requests)
}
