//! Install: the previous revision's files go, the new one's come.
//!
//! Source: official agent 1.8.1, installer. What was done before a failure stays done, as there.

use super::cleanup::{self, Record};
use super::failure::{Failure, ruby};
use super::layout::{self, Layout};
use super::log::Log;
use super::root::Root;
use super::users::Users;
use super::{Host, Order, appspec_of, copy, plan};

pub fn install(host: &Host, layout: &Layout, order: &Order<'_>) -> Result<(), Failure> {
    let archive = layout.archive();
    let root = Root::of(host)?;
    let appspec = appspec_of(&archive, order.agent, &order.specification.appspec, true)?;
    let roots = host.is_roots();
    if roots {
        cleanup::forget_contexts(&layout.cleanup_file(), order.agent)?;
    }
    let mut log = Log::open(&layout.script_log(), order.agent, order.listener.clone())?;
    cleanup::remove_previous(&layout.cleanup_file(), &root, order.agent, &mut log)?;
    let unpacked = Root::closed(&archive).map_err(|error| ruby(&error, "realpath", &archive))?;
    let plan = plan::plan(&appspec, &unpacked, &root, order.specification.file_exists, order.agent)?;
    let path = layout.install_file();
    layout::write(&path, &plan.json().to_string())?;
    let mut record = Record::create(&layout.cleanup_file())?;
    let mut users = Users::new(roots);
    for step in &plan.steps {
        copy::execute(step, (&unpacked, &root), &mut record, &mut log, (roots, order.agent, &mut users))?;
    }
    layout.record_last_successful()?;
    Ok(())
}
