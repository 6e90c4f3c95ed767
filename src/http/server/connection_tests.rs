use super::*;

fn table(share: usize) -> (Arc<Connections>, Arc<Limits>) {
    let limits = Arc::new(Limits::default());
    (Connections::new(share, Arc::clone(&limits)), limits)
}

fn is_open(place: &Place) -> bool {
    place.reads(std::task::Waker::noop())
}

/// A connection between two requests, of a moment of its own.
fn idle(table: &Arc<Connections>) -> Place {
    let place = table.admit();
    place.connection().answering();
    place.connection().answered();
    std::thread::sleep(Duration::from_millis(3));
    place
}

#[test]
fn what_is_packed_is_unpacked() {
    let all = [
        Doing::Opened,
        Doing::Idle,
        Doing::Head,
        Doing::Body,
        Doing::Upgraded,
        Doing::Request,
    ];
    for doing in all {
        assert_eq!(unpack(pack(doing, 86_400_000)), (doing, 86_400_000));
    }
}

#[test]
fn the_oldest_idle_stranger_makes_room_and_the_newest_stays() {
    let (table, limits) = table(3);
    let first = table.admit();
    first.connection().reading();
    first.connection().answering();
    let second = idle(&table);
    let third = idle(&table);
    let fourth = idle(&table);
    assert!(!is_open(&second), "the oldest idle one");
    assert!(is_open(&first) && is_open(&third) && is_open(&fourth));
    assert_eq!((table.counts(), limits.count(Limit::Unproven)), ((3, 3), 1));
    drop(second);
    assert_eq!(table.counts(), (3, 3), "it does not count twice");
    std::thread::sleep(Duration::from_millis(3));
    third.connection().reading();
    std::thread::sleep(Duration::from_millis(3));
    let fifth = table.admit();
    assert!(!is_open(&fourth), "idle for longer than the body has been coming");
    let sixth = table.admit();
    assert!(!is_open(&third), "a body that does not come is no reason to stay");
    assert!(is_open(&first) && is_open(&fifth) && is_open(&sixth));
}

#[test]
fn whoever_has_proven_anything_makes_room_for_no_stranger() {
    let (table, limits) = table(6);
    let proven: Vec<Place> = (0..5)
        .map(|_| {
            let place = table.admit();
            place.connection().prove();
            place.connection().prove();
            place
        })
        .collect();
    let strangers: Vec<Place> = (0..6).map(|_| table.admit()).collect();
    assert_eq!((table.counts(), limits.count(Limit::Unproven)), ((11, 6), 0));
    let newer = table.admit();
    assert!(is_open(&newer) && proven.iter().all(is_open));
    assert_eq!(strangers.iter().filter(|one| !is_open(one)).count(), 1);
    drop((proven, strangers, newer));
    assert_eq!(table.counts(), (0, 0));
}

#[test]
fn somebody_with_a_session_takes_no_more_than_a_share_and_no_media_stream_goes() {
    let (table, limits) = table(3);
    let stream = table.admit();
    stream.connection().upgraded();
    stream.connection().prove();
    let mut idle = Vec::new();
    for _ in 0..9 {
        let place = table.admit();
        place.connection().answering();
        place.connection().prove();
        place.connection().answered();
        idle.push(place);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(idle.iter().filter(|one| is_open(one)).count(), 3);
    assert!(is_open(&stream) && is_open(&idle[8]), "the newest stays");
    assert_eq!((table.counts(), limits.count(Limit::Proven)), ((4, 0), 6));
    for _ in 0..3 {
        table.make_room();
    }
    assert!(is_open(&stream) && !idle.iter().any(is_open));
    drop((stream, idle));
    assert_eq!(table.counts(), (0, 0));
}

#[test]
fn a_crowd_that_waits_for_answers_does_not_send_the_newest_away() {
    let (table, _) = table(3);
    let waiting: Vec<Place> = (0..3)
        .map(|_| {
            let place = table.admit();
            place.connection().answering();
            std::thread::sleep(Duration::from_millis(2));
            place
        })
        .collect();
    let (new, newer) = (table.admit(), table.admit());
    assert!(is_open(&new) && is_open(&newer) && is_open(&waiting[2]));
    assert!(!is_open(&waiting[0]) && !is_open(&waiting[1]));
}

#[test]
fn each_wait_has_a_limit_of_its_own() {
    let (table, _) = table(9);
    let place = table.admit();
    let shared = &place.connection().shared;
    let after = |max: Duration, more: u64| {
        let (_, since) = shared.doing();
        since + u64::try_from(max.as_millis()).expect("short") + more
    };
    let overdue = |max: Duration, limit: Limit| {
        assert_eq!(shared.overdue(after(max, 0)), None);
        assert_eq!(shared.overdue(after(max, 1)), Some(limit));
    };
    overdue(OPENED_MAX, Limit::IdleTime);
    place.came();
    overdue(HEAD_MAX, Limit::HeadTime);
    place.connection().answering();
    assert_eq!(shared.overdue(after(IDLE_MAX, 1_000_000)), None);
    place.stalls(true);
    assert_eq!(shared.overdue(after(READ_MAX, 1_000)), Some(Limit::ReadTime));
    place.stalls(false);
    place.connection().answered();
    overdue(IDLE_MAX, Limit::IdleTime);
    place.connection().upgraded();
    place.connection().answered();
    assert_eq!(shared.doing().0, Doing::Upgraded);
    assert!(!place.is_free(), "a stranger's");
    place.connection().prove();
    place.stalls(true);
    assert!(place.is_free() && shared.overdue(after(READ_MAX, 1_000)).is_none());
}
