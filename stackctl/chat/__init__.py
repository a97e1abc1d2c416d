"""A conversation with a language model: what is sent, what an answer says, what is shown. Pure."""
