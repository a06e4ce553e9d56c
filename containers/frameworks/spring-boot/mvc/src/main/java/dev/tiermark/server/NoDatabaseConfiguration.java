package dev.tiermark.server;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Without a database the routes that need one answer 503, before anything of them is looked at. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnProperty(name = "tiermark.database.configured", havingValue = "false")
class NoDatabaseConfiguration implements WebMvcConfigurer {

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(new Refusal()).addPathPatterns("/db", "/queries", "/updates", "/cached-queries", "/fortunes", "/orders/**");
    }

    private static final class Refusal implements HandlerInterceptor {

        @Override
        public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
            throw new ResponseStatusException(HttpStatus.SERVICE_UNAVAILABLE, "no DATABASE_URL is set");
        }
    }
}
