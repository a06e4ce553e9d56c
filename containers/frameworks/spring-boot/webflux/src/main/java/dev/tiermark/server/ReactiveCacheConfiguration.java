package dev.tiermark.server;

import org.springframework.boot.cache.autoconfigure.CacheManagerCustomizer;
import org.springframework.cache.caffeine.CaffeineCacheManager;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
class ReactiveCacheConfiguration {

    /** Spring Cache keeps what a {@code Mono} brings, not the {@code Mono}, in a cache of this mode only. */
    @Bean
    CacheManagerCustomizer<CaffeineCacheManager> asynchronousCaches() {
        return caches -> caches.setAsyncCacheMode(true);
    }
}
