//! What the built-in server and the model say of the contract is the same. Only the command line sees both.

use tiermark_baseline::{MAX_POOL_SIZE, VARIABLES, WORLD_ROWS};
use tiermark_model::contract;
use tiermark_model::format::framework::MAX_DATABASE_CONNECTIONS;

#[test]
fn the_built_in_server_and_the_model_agree_on_the_contract() {
    assert_eq!(VARIABLES, contract::ENVIRONMENT);
    assert_eq!(u32::from(WORLD_ROWS), contract::WORLD_ROWS);
    assert_eq!(u32::try_from(MAX_POOL_SIZE), Ok(MAX_DATABASE_CONNECTIONS));
}
