//! Where a primitive lies: in a model, where others can reach it.

#[derive(Debug)]
pub(crate) struct Placement(());

impl Placement {
    pub(crate) fn new() -> Self {
        Placement(())
    }

    pub(crate) fn settle(&mut self) {}

    pub(crate) fn is_settled(&self) -> bool {
        true
    }
}
