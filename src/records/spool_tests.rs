use super::*;
use crate::records::record::EventRecord;

fn event(number: i64) -> Record {
    event_of("c", number)
}

fn event_of(call: &str, number: i64) -> Record {
    Record::Event(EventRecord {
        call: call.to_owned(),
        number,
        detail: Some("two\nlines".to_owned()),
        ..EventRecord::default()
    })
}

#[test]
fn records_come_out_in_the_order_in_which_they_came_and_the_file_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool");
    let mut spool = Spool::open(&path).expect("a spool");
    assert!(spool.is_empty() && !path.exists());
    spool.append(&[event(1), event(2)]).expect("written");
    spool.append(&[event(3)]).expect("written");
    let front = spool.front(2).expect("read");
    assert_eq!(front.records, [event(1), event(2)]);
    spool.taken(&front).expect("noted");
    drop(spool);
    // A new start begins with all of it again.
    let mut spool = Spool::open(&path).expect("a spool");
    let front = spool.front(9).expect("read");
    assert_eq!(front.records.len(), 3);
    spool.taken(&front).expect("noted");
    assert!(spool.is_empty() && !path.exists());
    spool.append(&[event(4)]).expect("written");
    assert_eq!(spool.front(9).expect("read").records, [event(4)]);
}

#[test]
fn a_line_that_was_cut_costs_itself_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool");
    Spool::open(&path)
        .and_then(|mut spool| spool.append(&[event(1)]))
        .expect("written");
    let mut file = OpenOptions::new().append(true).open(&path).expect("there");
    file.write_all(b"{\"record\":\"eve").expect("written");
    let mut spool = Spool::open(&path).expect("a spool");
    spool.append(&[event(2)]).expect("written");
    let front = spool.front(9).expect("read");
    assert_eq!(
        (front.records.as_slice(), front.unreadable),
        ([event(1), event(2)].as_slice(), 1)
    );
}

#[test]
fn a_second_program_is_told_which_file_is_in_use_and_the_next_one_who_had_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool");
    let first = Spool::open(&path).expect("a spool");
    let error = Spool::open(&path).expect_err("refused").to_string();
    assert!(error.contains(path.to_str().expect("text")), "{error}");
    let name = first.name().to_owned();
    assert_eq!(first.before(), None);
    drop(first);
    let next = Spool::open(&path).expect("free again");
    assert_eq!(next.before(), Some(name.as_str()));
    assert_ne!(next.name(), name);
}

#[test]
fn a_file_that_somebody_shortens_is_read_to_its_end_and_no_further() {
    for left in [0, 10, 70] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("spool");
        let mut spool = Spool::open(&path).expect("a spool");
        spool.append(&[event(1), event(2), event(3)]).expect("written");
        let file = OpenOptions::new().write(true).open(&path).expect("there");
        let front = spool.front(1).expect("read");
        spool.taken(&front).expect("noted");
        file.set_len(left).expect("shortened");
        let front = spool.front(9).expect("read");
        assert!(front.records.is_empty(), "{left}");
        spool.taken(&front).expect("noted");
        assert!(
            spool.is_empty() && !path.exists(),
            "{left}: nothing is waited for"
        );
        spool.append(&[event(4)]).expect("written");
        assert_eq!(spool.front(9).expect("read").records, [event(4)]);
    }
}

#[test]
fn a_file_that_somebody_removes_or_replaces_costs_nothing() {
    for replaced in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("spool");
        let mut spool = Spool::open(&path).expect("a spool");
        spool.append(&[event(1), event(2)]).expect("written");
        let front = spool.front(1).expect("read");
        spool.taken(&front).expect("noted");
        std::fs::remove_file(&path).expect("removed");
        if replaced {
            std::fs::write(&path, "what is that?\n").expect("written");
        }
        spool.append(&[event(3)]).expect("written");
        drop(spool);
        let mut spool = Spool::open(&path).expect("a spool");
        let front = spool.front(9).expect("read");
        assert_eq!(front.records, [event(2), event(3)]);
        assert_eq!(front.unreadable, usize::from(replaced));
    }
}

#[test]
fn what_is_erased_is_overwritten_where_it_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool");
    let mut spool = Spool::open(&path).expect("a spool");
    let all = [event_of("gone", 1), event_of("stays", 1), event_of("gone", 2)];
    spool.append(&all).expect("written");
    let front = spool.front(1).expect("read");
    spool.taken(&front).expect("noted");
    spool.blank(|record| record.call() == "gone").expect("blanked");
    let text = std::fs::read_to_string(&path).expect("text");
    assert!(!text.contains("gone") && text.contains("stays"), "{text}");
    spool.append(&[event(4)]).expect("written");
    let front = spool.front(9).expect("read");
    assert_eq!(front.records, [event_of("stays", 1), event(4)]);
    assert_eq!(front.unreadable, 0);
}
