//! Keys beside a live view, and its pauses: reads them and hands them on for as long as the watch lasts.

use std::io;

use crate::report::Input;
use crate::signals::Pauses;
use crate::ui::Keyboard;

/// Hands keys (with `keyboard`) and pauses on to the live view; never ends. The terminal is put back when this future is
/// dropped, and for as long as the command stands still.
pub async fn attend(keyboard: Option<Keyboard>, input: Input) -> io::Result<std::convert::Infallible> {
    let mut pauses = Pauses::listen(keyboard.is_some())?;
    loop {
        let typed = async {
            match &keyboard {
                Some(keyboard) => keyboard.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            keys = typed => keys.into_iter().for_each(|key| input.key(key)),
            stops = pauses.next() => {
                if let Some(keyboard) = &keyboard {
                    if stops {
                        keyboard.release();
                        pauses.stop();
                    }
                    keyboard.resume()?;
                }
                input.resumed();
            }
        }
    }
}
