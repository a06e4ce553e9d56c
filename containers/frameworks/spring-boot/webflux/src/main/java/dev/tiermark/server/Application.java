package dev.tiermark.server;

import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class Application {

    public static void main(String[] arguments) {
        ContractEnvironment.run(Application.class, arguments);
    }
}
