package dev.tiermark.server.echo;

import java.util.Map;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.reactive.config.WebFluxConfigurer;
import org.springframework.web.reactive.handler.SimpleUrlHandlerMapping;
import org.springframework.web.reactive.socket.WebSocketHandler;
import org.springframework.web.reactive.socket.WebSocketMessage;
import org.springframework.web.reactive.socket.server.WebSocketService;
import org.springframework.web.reactive.socket.server.support.HandshakeWebSocketService;
import org.springframework.web.reactive.socket.server.upgrade.ReactorNettyRequestUpgradeStrategy;

import reactor.netty.http.server.WebsocketServerSpec;

@Configuration(proxyBeanMethods = false)
class EchoConfiguration implements WebFluxConfigurer {

    private static final int BEFORE_CONTROLLERS = -1;
    private static final int LARGEST_MESSAGE = 1024 * 1024;

    @Bean
    HandlerMapping webSockets() {
        // Sending releases a message, and so does the end of its receipt, hence the retain.
        WebSocketHandler echo = session -> session.send(session.receive().doOnNext(WebSocketMessage::retain));
        return new SimpleUrlHandlerMapping(Map.of("/ws", echo), BEFORE_CONTROLLERS);
    }

    /** Reactor Netty takes messages of 64 KiB by default, exactly what the contract asks for; this leaves room. */
    @Override
    public WebSocketService getWebSocketService() {
        return new HandshakeWebSocketService(new ReactorNettyRequestUpgradeStrategy(
            WebsocketServerSpec.builder().maxFramePayloadLength(LARGEST_MESSAGE)));
    }
}
