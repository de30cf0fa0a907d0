//! Transformations: what a webhook changes in its requests, and the templates it does that with.

mod definition;
mod form;
mod pointer;
mod template;

pub use self::definition::{CONTENT_TYPE_DEFAULT, CONTENT_TYPES, METHODS, Rendered, Transformation};
pub use self::form::form_encode;
pub use self::pointer::Scope;
pub use self::template::{
    RENDERED_BYTES_MAX, RenderError, TEMPLATE_DEPTH_MAX, check_url_template, has_pointers, render_header,
    render_text, render_url, render_value,
};
