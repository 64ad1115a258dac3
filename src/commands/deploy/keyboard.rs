//! Keys beside a live view, and its pauses: reads them and hands them on for as long as it is shown.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use tokio::time::timeout;

use crate::error::Doing;
use crate::report::Input;
use crate::signals::Pauses;
use crate::ui::Keyboard;

/// How long a terminal that takes nothing may keep the command from stopping.
const LAST_FRAME: Duration = Duration::from_millis(500);

/// What comes of `shown`; meanwhile keys (with `keyboard`) and pauses are handed on to the live view behind `input`.
/// Without one a pause is nobody's but the system's.
pub async fn beside<T>(
    keyboard: Option<Keyboard>,
    input: Option<Input>,
    shown: impl Future<Output = T>,
) -> anyhow::Result<T> {
    let Some(input) = input else { return Ok(shown.await) };
    tokio::select! {
        came = shown => Ok(came),
        never = attend(keyboard, input) => match never.doing("read keys")? {},
    }
}

/// Never ends. The terminal is put back when this future is dropped, and for as long as the command stands still.
async fn attend(keyboard: Option<Keyboard>, input: Input) -> io::Result<Infallible> {
    let mut pauses = Pauses::listen()?;
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
                // Nothing is drawn from here on: what the terminal shows meanwhile is another's.
                let pause = input.pause();
                if stops {
                    let _ = timeout(LAST_FRAME, pause.begun).await;
                    keyboard.iter().for_each(Keyboard::release);
                    pauses.stop().await;
                }
                if let Some(keyboard) = &keyboard {
                    keyboard.resume()?;
                }
                drop(pause.lasts);
            }
        }
    }
}
