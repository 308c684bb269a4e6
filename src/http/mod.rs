//! HTTP: request heads, hosts, cookies, pages, replies and outbound calls.
//!
//! This room knows the syntax of HTTP and the layout of pages. It does not know tenants, tokens or
//! sessions.

pub(crate) mod authorization;
pub mod call;
pub mod cookie;
pub(crate) mod form;
pub mod header_edit;
pub mod header_name;
pub mod host;
pub(crate) mod host_index;
pub(crate) mod host_table;
pub(crate) mod navigation;
pub(crate) mod origin;
pub mod page_colors;
pub(crate) mod page_layout;
pub mod page_settings;
pub mod reply;
pub mod request;
pub(crate) mod trace_parent;
