package dev.tiermark.server.upstream;

import org.springframework.boot.http.client.reactive.ClientHttpConnectorBuilder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** The HTTP client under {@code WebClient}. */
@Configuration(proxyBeanMethods = false)
class UpstreamConfiguration {

    private static final int CONNECTIONS = 1024;

    /** Reactor Netty keeps 500 connections by default, and refuses when twice as many requests wait for one. */
    @Bean(destroyMethod = "dispose")
    ConnectionProvider upstreamConnections() {
        return ConnectionProvider.builder("upstream").maxConnections(CONNECTIONS).pendingAcquireMaxCount(-1).build();
    }

    @Bean
    ClientHttpConnectorBuilder<?> clientHttpConnectorBuilder(ConnectionProvider connections) {
        return ClientHttpConnectorBuilder.reactor().withHttpClientFactory(() -> HttpClient.create(connections));
    }
}
