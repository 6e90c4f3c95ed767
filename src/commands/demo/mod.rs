//! `duologue demo`: a whole translated call on the embedded simulator, without any account.
//!
//! A Spanish caller and an English agent talk; the program between them is the real one, reached over the same wires as
//! Twilio's and OpenAI's. It shows the transcript as it happens, and leaves what each party heard as WAV files, with a
//! picture of who spoke and who heard what when.

pub mod browser;
mod play;
mod stage;
mod timeline;

use std::path::Path;

use anyhow::{Context as _, bail};

use crate::audio::wav;
use crate::call::outcome::Reason;
use crate::sim::speech::{self, Tongue};
use play::Played;
use stage::Stage;

/// Runs the demo with `engine` as `INTERPRETER` and leaves its files in `out`.
///
/// # Errors
/// The call did not go as it should, or the files cannot be written.
pub async fn run(out: &Path, engine: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    println!("A call on the simulator: the caller speaks Spanish, the agent English.\n");
    let stage = Stage::set(&[("INTERPRETER", engine)]).await?;
    let played = play::run(&stage).await?;
    stage.strike().await?;
    let (caller, agent) = (out.join("caller-heard.wav"), out.join("agent-heard.wav"));
    wav::write(&caller, &played.caller.heard)?;
    wav::write(&agent, &played.agent.heard)?;
    let picture = out.join("timeline.svg");
    std::fs::write(&picture, timeline::svg(&played)).context("cannot write the timeline")?;
    println!();
    println!("What the caller heard     {}", caller.display());
    println!("What the agent heard      {}", agent.display());
    println!("Who spoke and heard when  {}", picture.display());
    println!();
    judge(&played)
}

/// Whether each party heard every sentence of the other, in their own language; told from the recordings alone.
fn judge(played: &Played) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for (party, other, tongue) in [
        (&played.caller, &played.agent, Tongue::Spanish),
        (&played.agent, &played.caller, Tongue::English),
    ] {
        let heard = speech::recognise_all(&party.heard);
        let understood: Vec<usize> = heard
            .iter()
            .filter(|one| one.tongue == tongue)
            .map(|one| one.id)
            .collect();
        println!(
            "The {} heard {} of {} sentences in {}.",
            party.name,
            understood.len(),
            other.said.len(),
            tongue.name()
        );
        let said: Vec<usize> = other.said.iter().map(|said| said.phrase).collect();
        if understood != said || heard.len() != understood.len() {
            wrong.push(format!(
                "the {} should have heard {said:?} and heard {heard:?}",
                party.name
            ));
        }
    }
    match played.ended {
        Reason::CallerHungUp => println!("The call ended as it should: the caller hung up."),
        other => wrong.push(format!("the call ended with {other:?}")),
    }
    if !wrong.is_empty() {
        bail!("the demo went wrong: {}", wrong.join("; "));
    }
    Ok(())
}
