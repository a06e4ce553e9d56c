package dev.tiermark.server;

import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.springframework.boot.SpringApplication;

/**
 * Starts an application with what containers/CONTRACT.md lets the environment decide, said in Spring Boot's own properties and,
 * where there are none, in {@code tiermark.*}.
 */
public final class ContractEnvironment {

    private final Map<String, String> environment;
    private final Map<String, Object> properties = new HashMap<>();

    private ContractEnvironment(Map<String, String> environment) {
        this.environment = environment;
    }

    /** Runs {@code application}, or ends the process with a message where the environment cannot be used. */
    public static void run(Class<?> application, String[] arguments) {
        Map<String, Object> properties;
        try {
            properties = new ContractEnvironment(System.getenv()).read();
        } catch (UnusableException fault) {
            System.err.println("configuration: " + fault.getMessage());
            System.exit(2);
            return;
        }
        SpringApplication spring = new SpringApplication(application);
        spring.setDefaultProperties(properties);
        spring.run(arguments);
    }

    private Map<String, Object> read() {
        properties.put("server.address", host());
        properties.put("server.port", number("PORT", 8080, 1, 65_535));
        // One process serves with all its threads, so the count is checked and has no further effect.
        number("WORKERS", 1, 1, 1024);
        properties.put("tiermark.database.pool-size", number("DB_POOL_SIZE", 32, 1, 1000));
        database();
        upstream();
        return properties;
    }

    private String host() {
        String host = text("HOST", "0.0.0.0");
        try {
            InetAddress.getByName(host);
        } catch (UnknownHostException unknown) {
            throw new UnusableException("HOST is not an address of this machine");
        }
        return host;
    }

    private void database() {
        String text = text("DATABASE_URL", "");
        properties.put("tiermark.database.configured", !text.isEmpty());
        if (text.isEmpty()) {
            // The data layer is there all the same; no request gets as far as to it.
            properties.put("tiermark.database.location", "localhost/none");
            properties.put("tiermark.database.username", "none");
            properties.put("tiermark.database.password", "none");
            return;
        }
        URI url = url("DATABASE_URL", text, List.of("postgres", "postgresql"));
        if (url.getRawPath().length() < 2) {
            throw new UnusableException("DATABASE_URL must end with the name of the database");
        }
        String credentials = url.getRawUserInfo() == null ? "" : url.getRawUserInfo();
        int colon = credentials.indexOf(':');
        String user = colon < 0 ? credentials : credentials.substring(0, colon);
        String password = colon < 0 ? "" : credentials.substring(colon + 1);
        if (user.isEmpty()) {
            throw new UnusableException("DATABASE_URL must name a user");
        }
        String port = url.getPort() < 0 ? "" : ":" + url.getPort();
        String options = url.getRawQuery() == null ? "" : "?" + url.getRawQuery();
        properties.put("tiermark.database.location", url.getHost() + port + url.getRawPath() + options);
        properties.put("tiermark.database.username", decoded(user));
        properties.put("tiermark.database.password", decoded(password));
    }

    private void upstream() {
        String text = text("UPSTREAM_URL", "");
        if (!text.isEmpty()) {
            url("UPSTREAM_URL", text, List.of("http", "https"));
            properties.put("tiermark.upstream-url", text);
        }
    }

    /** The messages leave the value out: it may hold a password. */
    private static URI url(String name, String text, List<String> schemes) {
        URI url;
        try {
            url = new URI(text);
        } catch (URISyntaxException fault) {
            throw new UnusableException(name + " is not a URL");
        }
        boolean known = url.getScheme() != null && schemes.contains(url.getScheme());
        if (!known || url.getHost() == null || url.getPort() > 65_535) {
            throw new UnusableException(name + " must begin with " + schemes.getFirst() + "://, a host and a port");
        }
        return url;
    }

    private static String decoded(String text) {
        // URLDecoder is made for forms, where a plus is a blank.
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    private int number(String name, int fallback, int least, int most) {
        String text = text(name, Integer.toString(fallback));
        try {
            int number = Integer.parseInt(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException fault) {
            // Answered below, like a number out of range.
        }
        throw new UnusableException("%s must be a number from %d to %d, not \"%s\"".formatted(name, least, most, text));
    }

    private String text(String name, String fallback) {
        String text = environment.get(name);
        return text == null || text.isEmpty() ? fallback : text;
    }

    private static final class UnusableException extends RuntimeException {

        UnusableException(String message) {
            super(message);
        }
    }
}
