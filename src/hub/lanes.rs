//! The dialling lanes: one for each number that agents are dialled from, one dial at a time in each.
//!
//! A dial through the task queue's number shows up there as a call that says nothing but the number it comes from. As
//! long as only one dial of a number is open, that is enough to know whose it is.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::call::CallId;

/// Answers that are remembered for a webhook that is delivered again.
const REMEMBERED: usize = 256;

/// A dial as the task queue will be told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialling {
    pub call: CallId,
    /// The task's attributes, a JSON object.
    pub task: String,
}

/// What a webhook at the queue's number is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matched {
    /// The one open dial of that number; `first` unless it was said before.
    Ours { dialling: Dialling, first: bool },
    /// Our number, but none of our dials: late, repeated by mistake, or not from us.
    Stray,
    /// An ordinary call.
    Foreign,
}

/// All lanes, and the calls that wait for one.
#[derive(Debug)]
pub struct Lanes(Mutex<State>);

#[derive(Debug)]
struct State {
    lanes: Vec<Lane>,
    waiting: VecDeque<Dialling>,
    answered: VecDeque<(String, Dialling)>,
}

#[derive(Debug)]
struct Lane {
    number: String,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    dialling: Dialling,
    matched: bool,
}

/// A lane that has become somebody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub call: CallId,
    pub number: String,
}

impl Lanes {
    pub fn new(numbers: &[String]) -> Self {
        let lanes = numbers
            .iter()
            .map(|number| Lane {
                number: number.clone(),
                open: None,
            })
            .collect();
        Self(Mutex::new(State {
            lanes,
            waiting: VecDeque::new(),
            answered: VecDeque::new(),
        }))
    }

    /// Takes a lane now, or waits in line.
    pub fn take(&self, dialling: Dialling) -> Option<Grant> {
        let mut state = self.state();
        state.waiting.push_back(dialling);
        state.grant()
    }

    /// Gives a lane back, or leaves the line; says who is next.
    pub fn release(&self, call: CallId) -> Option<Grant> {
        let mut state = self.state();
        state.waiting.retain(|dialling| dialling.call != call);
        for lane in &mut state.lanes {
            if lane.open.as_ref().is_some_and(|open| open.dialling.call == call) {
                lane.open = None;
            }
        }
        state.grant()
    }

    /// Whose dial a webhook at the queue's number is. The same call gets the same answer.
    pub fn match_dial(&self, call_sid: &str, from: &str) -> Matched {
        let mut state = self.state();
        if let Some((_, dialling)) = state.answered.iter().find(|(known, _)| known == call_sid) {
            return Matched::Ours {
                dialling: dialling.clone(),
                first: false,
            };
        }
        let Some(lane) = state.lanes.iter_mut().find(|lane| lane.number == from) else {
            return Matched::Foreign;
        };
        let Some(open) = lane.open.as_mut().filter(|open| !open.matched) else {
            return Matched::Stray;
        };
        open.matched = true;
        let dialling = open.dialling.clone();
        state.answered.push_back((call_sid.to_owned(), dialling.clone()));
        if state.answered.len() > REMEMBERED {
            state.answered.pop_front();
        }
        Matched::Ours {
            dialling,
            first: true,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing in here can leave the state half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn grant(&mut self) -> Option<Grant> {
        let lane = self.lanes.iter_mut().find(|lane| lane.open.is_none())?;
        let dialling = self.waiting.pop_front()?;
        let grant = Grant {
            call: dialling.call,
            number: lane.number.clone(),
        };
        lane.open = Some(Open {
            dialling,
            matched: false,
        });
        Some(grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "+15550100001";
    const TWO: &str = "+15550100002";

    fn dialling(digit: char) -> Dialling {
        let call = digit.to_string().repeat(32).parse().expect("an id");
        Dialling {
            call,
            task: digit.to_string(),
        }
    }

    fn ours(digit: char, first: bool) -> Matched {
        Matched::Ours {
            dialling: dialling(digit),
            first,
        }
    }

    #[test]
    fn one_dial_at_a_time_in_each_lane_in_the_order_of_asking() {
        let lanes = Lanes::new(&[ONE.into(), TWO.into()]);
        assert_eq!(
            lanes.take(dialling('a')).map(|grant| grant.number),
            Some(ONE.into())
        );
        assert_eq!(
            lanes.take(dialling('b')).map(|grant| grant.number),
            Some(TWO.into())
        );
        assert_eq!(lanes.take(dialling('c')), None);
        assert_eq!(lanes.take(dialling('d')), None);
        let next = lanes.release(dialling('b').call).expect("a lane is free");
        assert_eq!((next.call, next.number.as_str()), (dialling('c').call, TWO));
        assert_eq!(lanes.release(dialling('d').call), None, "d only waited");
        assert_eq!(lanes.release(dialling('a').call), None);
        assert_eq!(lanes.release(dialling('a').call), None, "twice is once");
    }

    #[test]
    fn a_webhook_meets_the_one_open_dial_of_its_number_once() {
        let lanes = Lanes::new(&[ONE.into()]);
        assert_eq!(lanes.match_dial("CA1", ONE), Matched::Stray);
        lanes.take(dialling('a'));
        lanes.take(dialling('b'));
        assert_eq!(lanes.match_dial("CA1", TWO), Matched::Foreign);
        assert_eq!(lanes.match_dial("CA1", ONE), ours('a', true));
        assert_eq!(
            lanes.match_dial("CA2", ONE),
            Matched::Stray,
            "another call from the same number"
        );
        lanes.release(dialling('a').call);
        assert_eq!(
            lanes.match_dial("CA1", ONE),
            ours('a', false),
            "the same call, the same answer"
        );
        assert_eq!(lanes.match_dial("CA3", ONE), ours('b', true));
    }

    #[test]
    fn memory_of_answers_is_bounded() {
        let lanes = Lanes::new(&[ONE.into()]);
        for n in 0..2 * REMEMBERED {
            lanes.take(dialling('a'));
            assert_eq!(lanes.match_dial(&format!("CA{n}"), ONE), ours('a', true));
            lanes.release(dialling('a').call);
        }
        assert_eq!(lanes.match_dial("CA0", ONE), Matched::Stray);
        assert_eq!(lanes.state().answered.len(), REMEMBERED);
    }
}
