//! One pass over the header section of a message, and the trace field that we add.
