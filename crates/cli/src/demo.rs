//! The story, and the ledger that is left running after it.

use caduceus_node::story::{self, StoryOptions};
use caduceus_node::{Home, Node, Result, rpc};

use crate::args::{Arguments, Demo};
use crate::commands::dir;
use crate::ledger::eprint_url;
use crate::output::{self, Outcome, reporter};
use crate::signals::{self, Watch};

/// Tells the story.
pub async fn tell(arguments: &Arguments, demo: &Demo) -> Result<Outcome> {
    let temporary = match arguments.dir {
        Some(_) => None,
        None => Some(Home::temporary()?),
    };
    let dir = temporary.as_ref().map_or_else(|| dir(arguments), |kept| kept.path().to_owned());
    let watch = Watch::over(temporary.as_ref().map(|folder| folder.path()));
    let options = StoryOptions {
        patients: demo.patients.map(|patients| patients as usize),
        data: demo.data.clone(),
        seed: demo.seed,
    };
    story::check_options(&options)?;
    let report = reporter(true, arguments.json);
    let seed = demo.seed.map(Home::seed_from);
    let node = Node::create(&dir, demo.rpc.as_deref(), seed, report).await;
    let node = watch.unless_stopping(node).await?;
    let served = if demo.serve { Some(rpc::listen(&node, demo.port).await?) } else { None };
    let report = watch.unless_stopping(story::tell(&node, &options).await).await?;
    drop(watch);
    let kept =
        arguments.dir.as_ref().map(|dir| format!("\nThe state is kept in {}.", dir.display()));
    let outcome = Outcome::new(&report, kept.unwrap_or_default());
    let Some(served) = served else { return Ok(outcome) };
    eprint_url(&served.url()?);
    output::print(&outcome, arguments.json);
    served.until(signals::stopped()).await?;
    Ok(Outcome::said())
}
