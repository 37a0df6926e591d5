//! Arguments: `schema` makes their JSON Schemas from the types that parse them, `check` holds a call's arguments against
//! these by means of `json_schema`, `ranges` has defaults and ranges, `topic` what is wrong with a Topic Name or Filter.

pub(super) mod check;
pub(super) mod json_schema;
pub(super) mod ranges;
pub(super) mod schema;
pub(super) mod topic;
