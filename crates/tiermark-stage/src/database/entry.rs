//! A database for one entry, made from the run's own, with a role that may change rows and nothing else.
//!
//! Entries that are up together would otherwise read each other's changes and pay for each other's dead rows.

use tokio_postgres::error::SqlState;

use super::rows::{fill_orders, fill_worlds};
use super::tables::{LOCK_TIMEOUT, Tables, describe};
use crate::error::StageError;

/// What the names of such databases and roles begin with.
const PREFIX: &str = "tiermark_entry_";
/// What of the tables can be written by a scenario, with its checksum.
const CHECKSUMS: [(Written, &str); 3] = [
    (
        Written::Fortunes,
        "SELECT concat(sum(hashtext(f::text)::int8), ' ', count(*)) FROM fortune f",
    ),
    (
        Written::Worlds,
        "SELECT concat((SELECT sum(hashtext(w::text)::int8) FROM world w), ' ', (SELECT sum(hashtext(c::text)::int8) FROM cachedworld c))",
    ),
    (
        Written::Orders,
        "SELECT concat((SELECT sum(hashtext((id, customer, total)::text)::int8) FROM orders), ' ', (SELECT count(*) FROM orders), ' ', \
         (SELECT sum(hashtext((order_id, position, sku, quantity, price)::text)::int8) FROM order_lines))",
    ),
];

/// Tables that are written to together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// By checks alone.
    Fortunes,
    Worlds,
    Orders,
}

impl Written {
    fn tables(self) -> &'static str {
        match self {
            Written::Fortunes => "fortune",
            Written::Worlds => "world, cachedworld",
            Written::Orders => "orders, order_lines",
        }
    }
}

/// A role with its database, which has the same name.
#[derive(Clone)]
pub(super) struct EntryRole {
    pub(super) name: String,
    password: String,
    /// Of what can be written, as it was made.
    pub(super) checksums: Vec<String>,
}

impl EntryRole {
    /// The name for an entry: letters, digits and lines alone, as short as names of databases must be.
    fn name_for(entry: &str) -> String {
        let plain = |letter: char| {
            if letter.is_ascii_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '_'
            }
        };
        let name: String = PREFIX.chars().chain(entry.chars().map(plain)).collect();
        name.chars().take(62).collect()
    }
}

impl Tables {
    /// Makes a database with the same rows, and a role for an entry that may read and change rows in it. What an earlier run left under its name is
    /// replaced. Nobody may be connected to this database meanwhile.
    ///
    /// # Errors
    /// The database does not answer, or refuses: it takes the right to make databases and roles.
    pub async fn for_entry(&self, entry: &str) -> Result<Tables, StageError> {
        let name = EntryRole::name_for(entry);
        let password = super::postgres::random_password()?;
        let template = self.database_name()?;
        let maintenance = self.with_database("postgres")?;
        let client = maintenance.connect().await?;
        let statements = [
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("DROP ROLE IF EXISTS {name}"),
            format!("CREATE ROLE {name} LOGIN PASSWORD '{password}'"),
            format!("CREATE DATABASE {name} TEMPLATE \"{template}\""),
            format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC"),
            format!("GRANT CONNECT ON DATABASE {name} TO {name}"),
        ];
        for statement in statements {
            let said = client.batch_execute(&statement).await;
            said.map_err(|error| match error.code() {
                Some(&SqlState::INSUFFICIENT_PRIVILEGE) => self.error(format!(
                    "{}\nremedy: give its user CREATEDB and CREATEROLE, or unset DATABASE_URL: entries that are up together have a database each",
                    describe(&error)
                )),
                _ => self.error(describe(&error)),
            })?;
        }
        let mut tables = self.with_database(&name)?;
        let rights = format!(
            "GRANT USAGE ON SCHEMA public TO {name}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}; \
             GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}"
        );
        tables.execute(&rights).await?;
        let checksums = tables.checksums().await?;
        tables.role = Some(EntryRole {
            name,
            password,
            checksums,
        });
        Ok(tables)
    }

    /// Removes what [`Tables::for_entry`] made.
    pub(super) async fn drop_entry(&self) -> Result<(), StageError> {
        let Some(role) = &self.role else { return Ok(()) };
        let maintenance = self.with_database("postgres")?;
        maintenance
            .execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", role.name))
            .await?;
        maintenance.execute(&format!("DROP ROLE IF EXISTS {}", role.name)).await
    }

    async fn checksums(&self) -> Result<Vec<String>, StageError> {
        let client = self.connect().await?;
        let mut found = Vec::new();
        for (_, query) in CHECKSUMS {
            let row = client.query_one(query, &[]).await;
            found.push(row.map_err(|error| self.error(describe(&error)))?.get(0));
        }
        Ok(found)
    }

    /// Fills anew what was written to, and leaves the tables in place: servers that are up hold statements prepared for them.
    pub(super) async fn restore_written(&self, made: &[String]) -> Result<(), StageError> {
        let now = self.checksums().await?;
        let differs = CHECKSUMS
            .iter()
            .zip(now.iter().zip(made))
            .filter(|(_, (now, made))| now != made);
        let written: Vec<Written> = differs.map(|((written, _), _)| *written).collect();
        if written.is_empty() {
            return Ok(());
        }
        let mut client = self.connect().await?;
        let said = |error: tokio_postgres::Error| self.error(describe(&error));
        self.end_open_transactions(&client).await?;
        client.batch_execute(LOCK_TIMEOUT).await.map_err(said)?;
        for written in &written {
            let transaction = client.transaction().await.map_err(said)?;
            let truncate = format!("TRUNCATE {} RESTART IDENTITY", written.tables());
            transaction.batch_execute(&truncate).await.map_err(said)?;
            match written {
                Written::Fortunes => transaction.batch_execute(&self.fortunes()?).await,
                Written::Worlds => fill_worlds(&transaction, self.seed).await,
                Written::Orders => fill_orders(&transaction, self.seed).await,
            }
            .map_err(said)?;
            transaction.commit().await.map_err(said)?;
            let vacuum = format!("VACUUM (ANALYZE) {}", written.tables());
            client.batch_execute(&vacuum).await.map_err(said)?;
        }
        if self.checksums().await? == made {
            Ok(())
        } else {
            Err(self.error("the tables do not hold again what they held before"))
        }
    }

    /// The address that the entry is told: with its own role, if it has one.
    ///
    /// # Errors
    /// The address cannot be read.
    pub fn entry_url(&self) -> Result<String, StageError> {
        match &self.role {
            None => Ok(self.url.clone()),
            Some(role) => self.url_with(Some((&role.name, &role.password)), &role.name),
        }
    }

    fn with_database(&self, name: &str) -> Result<Tables, StageError> {
        Ok(Tables {
            url: self.url_with(None, name)?,
            ..self.clone()
        })
    }

    fn database_name(&self) -> Result<String, StageError> {
        let config: tokio_postgres::Config = self
            .url
            .parse()
            .map_err(|error| self.error(format!("the address cannot be read: {error}")))?;
        let user = config.get_user().map(str::to_owned);
        let name = config.get_dbname().map(str::to_owned).or(user);
        name.ok_or_else(|| self.error("the address names no database"))
    }

    /// The address with another database, and perhaps another user.
    fn url_with(&self, user: Option<(&str, &str)>, database: &str) -> Result<String, StageError> {
        let mut url = reqwest::Url::parse(&self.url)
            .map_err(|error| self.error(format!("the address cannot be read: {error}")))?;
        url.set_path(database);
        if let Some((name, password)) = user {
            let set = url.set_username(name).and_then(|()| url.set_password(Some(password)));
            set.map_err(|()| self.error("the address has no place for a user"))?;
        }
        Ok(url.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_needs_no_quotes_and_is_short_enough(entry in ".{0,90}") {
            let name = EntryRole::name_for(&entry);
            prop_assert!(name.len() < 63 && name.starts_with(PREFIX));
            let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
            prop_assert!(name.chars().all(is_plain), "{}", name);
        }
    }
}
