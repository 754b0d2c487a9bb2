//! Shared memory, with and without a name, and the numbers in it.

use multiproc::{Process, Shared, SharedArray, Value};

use super::{Done, Operation, Told, here, spawning, told};

pub(super) const ALL: &[Operation] = &[
    here("value and array", numbers),
    spawning("value and array between processes", numbers_between_processes),
    here("name", name),
    spawning("name between processes", name_between_processes),
];

fn numbers(ready: &dyn Fn()) -> Done {
    let value = Shared::new(Value::new(3i64))?;
    let array = SharedArray::new(&[1u64, 2, 3])?;
    ready();
    assert_eq!((value.fetch_add(4), value.get()), (3, 7));
    drop(value.lock().map_err(multiproc::Error::from)?);
    array.set(1, 20)?;
    drop(array.lock().map_err(multiproc::Error::from)?);
    assert_eq!(array.to_vec(), [1, 20, 3]);
    Ok(())
}

fn numbers_between_processes(ready: &dyn Fn()) -> Done {
    fn change((value, array): (Shared<Value<i64>>, SharedArray<u64>)) -> Told<()> {
        value.set(8);
        told(array.set(0, 9))
    }
    let value = Shared::new(Value::new(0))?;
    let array = SharedArray::zeroed(1000)?;
    ready();
    Process::spawn(change, (value.clone(), array.clone()))?.join()??;
    assert_eq!((value.get(), array.get(0)?), (8, 9));
    Ok(())
}

/// A name that nobody else has; [`super::super::cell`] takes it away where this does not come to it.
fn own_name() -> String {
    format!("{}{}", crate::cell::NAMES, std::process::id())
}

fn name(ready: &dyn Fn()) -> Done {
    let name = own_name();
    let made = Shared::create(&name, Value::new(1u64))?;
    ready();
    let found = Shared::<Value<u64>>::open(&name)?;
    made.set(5);
    assert_eq!(found.get(), 5);
    drop((made, found));
    // Left by its users, and replaced.
    let again = Shared::create(&name, Value::new(2u64))?;
    assert_eq!(Shared::<Value<u64>>::open(&name)?.get(), 2);
    drop(again);
    Shared::<Value<u64>>::unlink(&name)?;
    assert!(Shared::<Value<u64>>::open(&name).is_err(), "it is gone");
    Ok(())
}

fn name_between_processes(ready: &dyn Fn()) -> Done {
    fn find(name: String) -> Told<()> {
        told(Shared::<Value<u64>>::open(&name))?.set(6);
        Ok(())
    }
    let name = own_name();
    let made = Shared::create(&name, Value::new(1u64))?;
    ready();
    Process::spawn(find, name.clone())?.join()??;
    assert_eq!(made.get(), 6);
    Shared::<Value<u64>>::unlink(&name)?;
    Ok(())
}
