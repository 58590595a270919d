//! A real HTTP server on loopback: what the tests' own servers stand on.

use hyper::body::{Body, Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use std::convert::Infallible;
use std::net::SocketAddr;

/// A server on a free port; ends when dropped.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    // Dropping the runtime ends the server.
    _runtime: tokio::runtime::Runtime,
}

impl Serving {
    /// Answers every request; `answer` is told where the server listens.
    pub(crate) fn new<B, F>(
        answer: impl Fn(SocketAddr, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let answered = answer(address, request);
                        async move { Ok::<_, Infallible>(answered.await) }
                    });
                    // A client that goes away is no concern of the server.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(hyper_util::rt::TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            address,
            _runtime: runtime,
        }
    }
}
