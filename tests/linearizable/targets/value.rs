//! A number: with the operations of an array's element.

use multiproc::{Shared, Value};
use rand::rngs::StdRng;

use crate::targets::Target;
use crate::targets::shared_array::{ArrayModel, Op, Ret, programs};

impl Target for Value<u64> {
    type Op = Op;
    type Ret = Ret;
    type Model = ArrayModel<1>;
    type Shared = Shared<Value<u64>>;
    type Guards<'a> = ();

    fn private() -> Self {
        Value::new(0)
    }

    fn shared() -> Self::Shared {
        Shared::new(Self::private()).unwrap()
    }

    fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
        programs::<1>(rng, workers)
    }

    fn perform(&self, (): &mut (), op: &Op) -> Option<Ret> {
        Some(match *op {
            Op::Get(_) => Ret::Was(self.get()),
            Op::Set(_, new) => {
                self.set(new);
                Ret::Done
            }
            Op::Swap(_, new) => Ret::Was(self.swap(new)),
            Op::FetchAdd(_, more) => Ret::Was(self.fetch_add(more)),
            Op::CompareExchange(_, old, new) => Ret::Exchanged(self.compare_exchange(old, new)),
        })
    }
}
