package dev.tiermark.server;

import org.springframework.cache.annotation.EnableCaching;
import org.springframework.context.annotation.Configuration;

/** Switches Spring Cache on; its library and bound stand in common.yaml. */
@Configuration(proxyBeanMethods = false)
@EnableCaching
class CacheConfiguration {
}
