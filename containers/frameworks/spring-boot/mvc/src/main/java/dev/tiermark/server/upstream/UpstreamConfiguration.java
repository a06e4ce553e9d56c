package dev.tiermark.server.upstream;

import java.net.http.HttpClient;

import org.springframework.boot.http.client.ClientHttpRequestFactoryBuilder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The HTTP client under {@code RestClient}. */
@Configuration(proxyBeanMethods = false)
class UpstreamConfiguration {

    /** The JDK's client asks for HTTP/2 by an upgrade otherwise, which is no use inside a network without TLS. */
    @Bean
    ClientHttpRequestFactoryBuilder<?> clientHttpRequestFactoryBuilder() {
        return ClientHttpRequestFactoryBuilder.jdk().withHttpClientCustomizer(client -> client.version(HttpClient.Version.HTTP_1_1));
    }
}
