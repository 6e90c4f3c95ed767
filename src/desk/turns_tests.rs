//! The queue on a virtual clock, against those who would crowd others out.

use std::net::Ipv4Addr;

use super::super::limit::{LONGEST_WAIT, NAME_EVERY, NAME_FREE};
use super::*;

/// How long a check takes.
const CHECK: Duration = Duration::from_millis(50);

/// The queue with its two places, and a clock.
struct World {
    turns: Turns,
    now: Instant,
    check: Duration,
    running: Vec<(Turn, Instant)>,
    /// Whose password is right: everybody else guesses.
    right: Option<Ticket>,
    /// Who was served, and when.
    served: Vec<(Turn, Instant)>,
    gone: Vec<Ticket>,
}

impl World {
    fn new() -> Self {
        Self {
            turns: Turns::default(),
            now: Instant::now(),
            check: CHECK,
            running: Vec::new(),
            right: None,
            served: Vec::new(),
            gone: Vec::new(),
        }
    }

    fn ask(&mut self, name: Key, from: Asker) -> Result<Ticket, Duration> {
        let (ticket, gone) = self.turns.ask(name, from, self.now)?;
        if let Some(gone) = gone {
            self.turns.leave(gone, self.now);
            self.gone.push(gone);
        }
        self.call();
        Ok(ticket)
    }

    fn call(&mut self) {
        while let Some(turn) = self.turns.next(self.now) {
            self.running.push((turn, self.now + self.check));
        }
    }

    /// Lets time pass, in steps of ten milliseconds at most.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            let step = until.min(self.now + Duration::from_millis(10));
            let over = self.running.iter().map(|(_, over)| *over);
            let now = over.fold(step, Instant::min).max(self.now);
            self.now = now;
            for (turn, _) in self.running.extract_if(.., |(_, over)| *over <= now) {
                self.turns.finished(turn, self.right == Some(turn.ticket), now);
                self.served.push((turn, now));
            }
            self.call();
        }
    }

    fn was_served(&self, ticket: Ticket) -> bool {
        self.served.iter().any(|(turn, _)| turn.ticket == ticket)
    }

    /// How long it takes until this ticket has been served, while `others` come each 10 ms.
    fn time_until(&mut self, ticket: Ticket, most: Duration, mut others: impl FnMut(&mut Self)) -> Duration {
        let asked = self.now;
        while !self.was_served(ticket) {
            assert!(
                self.now.duration_since(asked) <= most,
                "not served within {most:?}"
            );
            assert!(!self.gone.contains(&ticket), "sent away");
            others(self);
            self.pass(Duration::from_millis(10));
        }
        self.now.duration_since(asked)
    }
}

fn network(number: u32) -> Asker {
    Asker::Network(Ipv4Addr::from_bits(number).into())
}

const ANA: Key = 1_000_001;
const HERE: u32 = 7;

#[test]
fn a_device_that_signed_in_before_is_next_whatever_others_try() {
    let mut world = World::new();
    // Guesses at everything, from everywhere: more than can ever be checked.
    let crowd = |world: &mut World, number: u32| {
        let _ = world.ask(ANA, network(number % 1000));
        let _ = world.ask(Key::from(number % 50), network(number));
        let _ = world.ask(Key::from(number), network(HERE));
    };
    for number in 0..600 {
        crowd(&mut world, number);
        world.pass(Duration::from_millis(3));
    }
    let ticket = world.ask(ANA, Asker::Device(1)).expect("a ticket");
    let mut number = 600;
    let time = world.time_until(ticket, Duration::from_secs(2), |world| {
        number += 1;
        crowd(world, number);
    });
    assert!(time <= CHECK * 2 + Duration::from_millis(20), "{time:?}");
}

#[test]
fn from_a_new_device_one_is_in_within_two_seconds_while_its_address_tries_25_names_a_second() {
    for fresh in [false, true] {
        let mut world = World::new();
        let mut number = 0;
        // The same names over and over, or new ones each time.
        let guess = |world: &mut World, number: u64| {
            let name = if fresh { number } else { number % 25 };
            let _ = world.ask(name, network(HERE));
        };
        for _ in 0..25 * 600 {
            number += 1;
            guess(&mut world, number);
            world.pass(Duration::from_millis(40));
        }
        let ticket = world.ask(ANA, network(HERE)).expect("a ticket");
        let mut tick = 0;
        let time = world.time_until(ticket, Duration::from_secs(2), |world| {
            tick += 1;
            if tick % 4 == 0 {
                number += 1;
                guess(world, number);
            }
        });
        assert!(time < Duration::from_secs(1), "{time:?}");
    }
}

#[test]
fn when_more_is_tried_than_can_be_checked_whoever_comes_again_gets_in() {
    let mut world = World::new();
    world.check = Duration::from_millis(150);
    let mut ticket = None;
    let asked = world.now + Duration::from_secs(60);
    for number in 0.. {
        // A new name each time, 25 a second; 13 can be checked.
        let _ = world.ask(number, network(HERE));
        world.pass(Duration::from_millis(17));
        if world.now >= asked && ticket.is_none_or(|ticket| world.gone.contains(&ticket)) {
            ticket = world.ask(ANA, network(HERE)).ok();
        }
        world.pass(Duration::from_millis(23));
        if ticket.is_some_and(|ticket| world.was_served(ticket)) {
            break;
        }
        assert!(
            world.now < asked + Duration::from_secs(30),
            "not within half a minute"
        );
    }
    assert!(world.turns.waiting.len() <= STRANGERS_MAX);
}

#[test]
fn from_a_new_device_one_is_in_within_two_minutes_while_ten_others_try_the_name_all_day() {
    let mut world = World::new();
    let guess = |world: &mut World| {
        for other in 0..10 {
            let _ = world.ask(ANA, network(100 + other));
        }
    };
    let day = world.now + Duration::from_secs(24 * 3600);
    while world.now < day {
        guess(&mut world);
        world.now += Duration::from_millis(480);
        world.pass(Duration::from_millis(20));
    }
    let hour = world.now - Duration::from_secs(3600);
    let wrong = world.served.iter().filter(|(_, at)| *at > hour).count();
    assert!((80..=100).contains(&wrong), "{wrong} guesses in an hour");
    let ticket = world.ask(ANA, network(HERE)).expect("a ticket");
    world.right = Some(ticket);
    let time = world.time_until(ticket, Duration::from_secs(120), |world| guess(world));
    assert!(time <= NAME_EVERY + CHECK * 2, "{time:?}");
    // They take turns among themselves too.
    let mut each = HashMap::new();
    for (turn, _) in &world.served {
        *each.entry(turn.from).or_insert(0) += 1;
    }
    let guessers = (0..10).map(|other| each[&network(100 + other)]);
    let (least, most) = (guessers.clone().min(), guessers.max());
    assert!(
        most.zip(least).is_some_and(|(most, least)| most - least <= 10),
        "{each:?}"
    );
}

#[test]
fn whoever_has_waited_in_vain_keeps_their_place() {
    let mut world = World::new();
    for _ in 0..NAME_FREE {
        world.ask(ANA, network(1)).expect("a ticket");
        world.pass(CHECK);
    }
    let first = world.ask(ANA, network(2)).expect("a ticket");
    world.pass(Duration::from_secs(1));
    let later = world.ask(ANA, network(3)).expect("a ticket");
    assert!(
        world.turns.leave(first, world.now) > Duration::from_secs(30),
        "the name's wait is told"
    );
    world.pass(Duration::from_secs(1));
    let again = world.ask(ANA, network(2)).expect("a ticket");
    world.pass(NAME_EVERY);
    assert!(world.was_served(again) && !world.was_served(later));
}

#[test]
fn when_too_many_wait_the_busiest_goes_and_no_newcomer() {
    let mut world = World::new();
    // Nothing is checked here: what is running stays.
    for name in 0..2 {
        world.ask(name, network(1)).expect("a ticket");
    }
    let quiet = world.ask(10, network(2)).expect("a ticket");
    for name in 100..100 + STRANGERS_MAX as Key - 1 {
        world.ask(name, network(3)).expect("a ticket");
    }
    assert!(world.gone.is_empty());
    for newcomer in 0..10 {
        world.ask(ANA, network(1000 + newcomer)).expect("room is made");
        let gone = world.gone.len() as u32;
        assert_eq!(gone, newcomer + 1);
    }
    assert!(!world.gone.contains(&quiet));
    world.ask(5000, network(3)).expect("a ticket");
    let places = |world: &World, from| {
        world
            .turns
            .waiting
            .iter()
            .filter(|one| one.turn.from == from)
            .count()
    };
    assert_eq!(
        places(&world, network(3)),
        STRANGERS_MAX - 11,
        "the busiest network has no more than before"
    );
    assert_eq!(world.turns.waiting.len(), STRANGERS_MAX);
    // Of one network those go that want the same name.
    let mut world = World::new();
    for name in 0..2 {
        world.ask(name, network(1)).expect("a ticket");
    }
    for name in 0..STRANGERS_MAX as Key / 4 {
        for _ in 0..SAME_MAX {
            world.ask(name, network(3)).expect("a ticket");
        }
    }
    assert_eq!(world.ask(3, network(3)), Err(COME_AGAIN), "four for one name");
    let other = world.ask(ANA, network(3)).expect("room is made");
    assert!(world.gone.len() == 1 && world.gone[0] != other);
}

#[test]
fn wrong_guesses_on_a_device_are_its_own() {
    let mut world = World::new();
    for _ in 0..5 {
        world.ask(ANA, Asker::Device(1)).expect("a ticket");
        world.pass(CHECK);
    }
    world.pass(CHECK);
    let waits = world.ask(ANA, Asker::Device(1)).expect_err("a wait");
    assert!(waits <= Duration::from_secs(1) && !waits.is_zero());
    assert!(world.ask(ANA, Asker::Device(2)).is_ok(), "another device");
    assert!(world.ask(ANA, network(HERE)).is_ok(), "and the name");
    world.pass(Duration::from_secs(1));
    // Guesses at once are no way around it, nor does it ever lock anybody out.
    let mut let_in = 0;
    for _ in 0..24 * 3600 {
        let_in += u32::from(world.ask(ANA, Asker::Device(1)).is_ok());
        world.now += Duration::from_millis(980);
        world.pass(Duration::from_millis(20));
    }
    let least = 24 * 3600 / u32::try_from(LONGEST_WAIT.as_secs()).expect("few");
    assert!((least..least + 20).contains(&let_in), "{let_in}");
    world.pass(LONGEST_WAIT);
    let ticket = world.ask(ANA, Asker::Device(1)).expect("a ticket");
    world.right = Some(ticket);
    world.pass(CHECK * 2);
    for _ in 0..5 {
        world.ask(ANA, Asker::Device(1)).expect("free again");
        world.pass(CHECK * 2);
    }
}

#[test]
fn one_user_with_many_devices_does_not_crowd_out_the_others() {
    let mut world = World::new();
    for device in 0..1000 {
        let _ = world.ask(5, Asker::Device(device));
    }
    assert!(world.turns.waiting.len() <= KNOWN_MAX);
    let ticket = world.ask(ANA, Asker::Device(5000)).expect("a ticket");
    let insider = world.ask(6, Asker::Insider).expect("a ticket");
    world.pass(CHECK * 2 + Duration::from_millis(2));
    assert!(world.was_served(ticket) && world.was_served(insider));
}

#[test]
fn memory_is_bounded_whoever_comes() {
    let mut world = World::new();
    for number in 0..60_000 {
        let _ = world.ask(Key::from(number), network(number));
        world.now += Duration::from_millis(100);
        world.pass(CHECK);
    }
    let (places, served) = (world.turns.places.len(), world.turns.served.len());
    assert!(places <= 20_000 && served <= 20_000, "{places} {served}");
    assert!(world.turns.waiting.len() <= STRANGERS_MAX);
}
