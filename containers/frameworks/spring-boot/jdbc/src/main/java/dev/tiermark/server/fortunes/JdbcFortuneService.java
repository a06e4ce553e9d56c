package dev.tiermark.server.fortunes;

import java.util.List;

import org.springframework.stereotype.Service;

@Service
class JdbcFortuneService implements FortuneService {

    private final FortuneRepository fortunes;

    JdbcFortuneService(FortuneRepository fortunes) {
        this.fortunes = fortunes;
    }

    @Override
    public List<Fortune> findAll() {
        return fortunes.findAll();
    }
}
