//! `image`: pictures, made by a model (`generate.rs`) or changed here (`transform.rs`).

mod generate;
mod transform;

pub(super) use generate::Generate;
pub(super) use transform::Transform;

use super::{Bytes, Operation, PureOperation, ToolError};
