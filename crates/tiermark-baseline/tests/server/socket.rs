//! WebSockets: what is sent comes back.

use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::{FOR_EVER, Outcome, Running, config};

async fn open(server: &Running) -> Result<WebSocketStream<TcpStream>, Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(server.address).await?;
    let (socket, reply) = client_async(format!("ws://{}/ws", server.address), stream).await?;
    assert_eq!(
        reply.headers().get("server").map(|name| name.as_bytes()),
        Some(&b"tiermark-baseline"[..])
    );
    Ok(socket)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn messages_come_back_as_they_were_and_in_order() -> Outcome {
    let server = Running::start(config(2))?;
    let mut socket = open(&server).await?;
    let messages = [
        Message::text(""),
        Message::text("Hello, 世界"),
        Message::binary(vec![0xff, 0, 1]),
        Message::text("a".repeat(64 * 1024)),
        Message::binary((0..1 << 20).map(|byte: u32| byte as u8).collect::<Vec<u8>>()),
    ];
    for message in &messages {
        socket.send(message.clone()).await?;
        assert!(socket.next().await.transpose()?.as_ref() == Some(message));
    }
    // All at once; the client reads while it sends, as the server does.
    let (mut sending, mut receiving) = socket.split();
    let expect: Vec<Message> = (0..5000).map(|number| Message::text(number.to_string())).collect();
    let sent = expect.clone();
    let sender = tokio::spawn(async move {
        for message in sent {
            sending.feed(message).await?;
        }
        sending.flush().await?;
        Ok::<_, Error>(sending)
    });
    for expect in &expect {
        assert_eq!(receiving.next().await.transpose()?.as_ref(), Some(expect));
    }
    let mut socket = sender.await??.reunite(receiving)?;
    socket.send(Message::Ping(Bytes::from_static(b"ping"))).await?;
    let pong = socket.next().await.transpose()?;
    assert_eq!(pong, Some(Message::Pong(Bytes::from_static(b"ping"))));
    socket.close(None).await?;
    assert_eq!(socket.next().await.transpose()?, Some(Message::Close(None)));
    assert!(socket.next().await.is_none());
    server.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_fragmented_message_comes_back_whole() -> Outcome {
    let server = Running::start(config(1))?;
    let mut socket = open(&server).await?;
    // A text of two frames, masked with zeros, and a ping between them.
    let stream = socket.get_mut();
    let frames = [&b"\x01\x83\0\0\0\0one"[..], b"\x89\x80\0\0\0\0", b"\x80\x83\0\0\0\0two"].concat();
    tokio::io::AsyncWriteExt::write_all(stream, &frames).await?;
    let answers = [socket.next().await.transpose()?, socket.next().await.transpose()?];
    assert_eq!(
        answers,
        [Some(Message::Pong(Bytes::new())), Some(Message::text("onetwo"))]
    );
    server.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_breaks_the_rules_ends_its_own_connection() -> Outcome {
    let server = Running::start(config(1))?;
    let mut bystander = open(&server).await?;
    let too_long = [&b"\x82\xff"[..], &(2_u64 << 20).to_be_bytes(), &[0; 4]].concat();
    // Not masked; a text that is not UTF-8; longer than the server takes; a reserved code.
    for frame in [
        &b"\x81\x01a"[..],
        b"\x81\x81\0\0\0\0\xff",
        &too_long,
        b"\x83\x80\0\0\0\0",
    ] {
        let mut socket = open(&server).await?;
        tokio::io::AsyncWriteExt::write_all(socket.get_mut(), frame).await?;
        let answer = socket.next().await;
        assert!(
            !matches!(answer, Some(Ok(Message::Text(_) | Message::Binary(_)))),
            "{answer:?}"
        );
    }
    bystander.send(Message::text("still here")).await?;
    assert_eq!(bystander.next().await.transpose()?, Some(Message::text("still here")));
    server.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_stops_says_so_and_waits_for_the_close() -> Outcome {
    let server = Running::start_draining(config(2), FOR_EVER)?;
    let mut open_ones = Vec::new();
    for _ in 0..20 {
        open_ones.push(open(&server).await?);
    }
    let readers: Vec<_> = open_ones
        .into_iter()
        .map(|mut socket| {
            tokio::spawn(async move {
                let first = socket.next().await;
                while let Some(Ok(_)) = socket.next().await {}
                first
            })
        })
        .collect();
    let began = Instant::now();
    let stopped = tokio::task::spawn_blocking(|| server.stop().map_err(|error| error.to_string()));
    stopped.await??;
    assert!(
        began.elapsed() < FOR_EVER,
        "sockets that close must not hold a server up"
    );
    for reader in readers {
        let Some(Ok(Message::Close(Some(frame)))) = reader.await? else {
            return Err("no close".into());
        };
        assert_eq!(frame.code, CloseCode::Away);
    }
    Ok(())
}

#[test]
fn what_is_no_handshake_is_told_what_is_wanted() -> Outcome {
    let server = Running::start(config(1))?;
    let mut client = server.connect()?;
    let upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for headers in [
        String::new(),
        upgrade.to_owned(),
        format!("{upgrade}Sec-WebSocket-Version: 13\r\n"),
        format!("{upgrade}{key}Sec-WebSocket-Version: 8\r\n"),
        format!("{key}Sec-WebSocket-Version: 13\r\n"),
    ] {
        client.send(&format!("GET /ws HTTP/1.1\r\nHost: test\r\n{headers}\r\n"))?;
        let answer = client.answer()?;
        assert_eq!(
            (answer.status, answer.header("sec-websocket-version")),
            (426, Some("13")),
            "{headers}"
        );
    }
    client.send(&format!(
        "GET /ws HTTP/1.1\r\nHost: test\r\n{upgrade}{key}Sec-WebSocket-Version: 13\r\n\r\n"
    ))?;
    let answer = client.answer_to_head()?;
    // The example of RFC 6455, section 1.3.
    assert_eq!(
        (answer.status, answer.header("sec-websocket-accept")),
        (101, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
    );
    assert_eq!(
        (answer.header("upgrade"), answer.header("connection")),
        (Some("websocket"), Some("upgrade"))
    );
    drop(client);
    server.stop()
}
