// SPDX-License-Identifier: MIT
//! One server of a cluster.

use crate::codes::{CatchUpStatus, Code, Error, ProgressMode, Role, State, TraceType};
use crate::encode::{fill, zeroed, Scratch};
use crate::types::{Event, Peer, Server, TraceRecord, Update};
use crate::{decode, sys};
use std::any::Any;
use std::ffi::{CStr, CString};
use std::os::raw::{c_int, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;

type Callback = Box<dyn FnMut(&TraceRecord) + Send>;

/// What C gets of a tracer. The struct of C is in front.
#[repr(C)]
struct Tracer {
    c: sys::raft_tracer,
    callback: Callback,
    panic: Option<Box<dyn Any + Send>>,
}

/// One server of a cluster. It is closed when it is dropped.
pub struct Raft {
    pub(crate) c: sys::raft,
    update: sys::raft_update,
    scratch: Scratch,
    tracer: *mut Tracer,
}

// SAFETY: the library keeps no state outside the raft, and the tracer's function is Send.
unsafe impl Send for Raft {}

/// Version of the library: 10000 * major + 100 * minor + patch.
pub fn version() -> u32 {
    // SAFETY: NULL is allowed.
    unsafe { sys::raft_version(ptr::null()) }
}

unsafe extern "C" fn emit(tracer: *mut sys::raft_tracer, kind: c_int, info: *const c_void) {
    let tracer = &mut *(tracer as *mut Tracer);
    let i = &*(info as *const sys::raft_tracer_info);
    let callback = AssertUnwindSafe(&mut tracer.callback);
    let result = catch_unwind(move || {
        let callback = callback;
        let text: &'static CStr = CStr::from_ptr(i.text); // a static string
        (callback.0)(&TraceRecord {
            kind: TraceType(kind),
            code: i.code,
            time: i.time,
            server: i.server,
            peer: i.peer,
            term: i.term,
            index: i.index,
            text: text.to_str().unwrap_or("?"),
        })
    });
    if let Err(panic) = result {
        if tracer.panic.is_none() {
            tracer.panic = Some(panic);
        } else {
            std::mem::forget(panic); // its destructor could panic, too
        }
    }
}

impl Raft {
    /// Make a server. Then call setters, and step [`Event::Start`].
    pub fn new(id: u64, address: &str) -> Result<Raft, Error> {
        let address = CString::new(address)
            .map_err(|_| Error { code: Code::INVALID, text: "a zero byte".into() })?;
        // SAFETY: numbers, null pointers and false.
        let (c, update) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        let mut r = Raft { c, update, scratch: Scratch::default(), tracer: ptr::null_mut() };
        // SAFETY: the address is copied.
        match unsafe { sys::raft_init(&mut r.c, id, address.as_ptr()) } {
            0 => Ok(r),
            code => Err(Error { code: Code(code), text: String::new() }),
        }
    }

    /// [`Raft::step_with_capacity`] with the capacity 0.
    pub fn step(&mut self, event: &Event, now: u64) -> Result<Update, Error> {
        self.step_with_capacity(event, now, 0)
    }

    /// Process an event. `now` is the time in milliseconds, read for this event, and `capacity` the
    /// disk capacity that is free: see `raft_event`. After an error, the step had no effect, and
    /// the same event can be stepped again.
    pub fn step_with_capacity(
        &mut self,
        event: &Event,
        now: u64,
        capacity: u16,
    ) -> Result<Update, Error> {
        let mut c = zeroed();
        c.time = now;
        c.capacity = capacity;
        fill(&mut c, event, &mut self.scratch)?;
        // SAFETY: `c` points to `event` and `scratch`, which live until the update is decoded.
        // The library writes to none of them.
        unsafe {
            match sys::raft_step(&mut self.c, &mut c, &mut self.update) {
                0 => Ok(decode::update(&self.update, event)),
                code => Err(self.error(code)),
            }
        }
    }

    pub(crate) fn error(&self, code: c_int) -> Error {
        // SAFETY: never NULL.
        let text = unsafe { CStr::from_ptr(sys::raft_errmsg(&self.c)) };
        Error { code: Code(code), text: text.to_string_lossy().into_owned() }
    }

    /// Set a function that gets the trace records of each step. A panic in it does not stop the
    /// step, whose update must be carried out: see [`Raft::take_tracer_panic`].
    pub fn set_tracer(&mut self, callback: impl FnMut(&TraceRecord) + Send + 'static) {
        self.remove_tracer();
        let c = sys::raft_tracer { r#impl: ptr::null_mut(), version: 1, emit: Some(emit) };
        self.tracer =
            Box::into_raw(Box::new(Tracer { c, callback: Box::new(callback), panic: None }));
        // SAFETY: the tracer lives until it is removed.
        let code = unsafe { sys::raft_set_tracer(&mut self.c, self.tracer as *mut _) };
        assert_eq!(code, 0, "a tracer with a function is refused");
    }

    /// Remove the tracer, if there is one.
    pub fn remove_tracer(&mut self) {
        if !self.tracer.is_null() {
            // SAFETY: it comes from Box::into_raw, and C forgets it first.
            unsafe {
                sys::raft_set_tracer(&mut self.c, ptr::null_mut());
                drop(Box::from_raw(std::mem::replace(&mut self.tracer, ptr::null_mut())));
            }
        }
    }

    /// The first panic of the tracer since this was called last.
    pub fn take_tracer_panic(&mut self) -> Option<Box<dyn Any + Send>> {
        // SAFETY: NULL or valid, and not in use: no step runs.
        unsafe { self.tracer.as_mut() }.and_then(|tracer| tracer.panic.take())
    }

    /// This server's ID.
    pub fn id(&self) -> u64 {
        self.c.id
    }

    /// The state.
    pub fn state(&self) -> State {
        // SAFETY: a getter, in spite of its parameter, which is not const.
        State(unsafe { sys::raft_state(&self.c as *const sys::raft as *mut sys::raft) })
    }

    /// The leader of the current term, if this server knows it.
    pub fn leader(&self) -> Option<(u64, CString)> {
        let (mut id, mut address) = (0, ptr::null());
        // SAFETY: the address is copied before the next step.
        unsafe {
            sys::raft_leader(&self.c, &mut id, &mut address);
            (id != 0).then(|| (id, decode::text(address)))
        }
    }

    /// When to step [`Event::Timeout`], which may lie in the past. `None`: never.
    pub fn timeout(&self) -> Option<u64> {
        // SAFETY: a getter.
        let deadline = unsafe { sys::raft_timeout(&self.c) };
        (deadline != i64::MAX as u64).then_some(deadline)
    }

    /// This server's role in the latest configuration; `None`: it is not a member.
    pub fn role(&self) -> Option<Role> {
        // SAFETY: a getter.
        let role = unsafe { sys::raft_role(&self.c) };
        (role >= 0).then_some(Role(role))
    }

    /// The term of an entry; 0: not known.
    pub fn term_of(&self, index: u64) -> u64 {
        // SAFETY: a getter.
        unsafe { sys::raft_term_of(&self.c, index) }
    }

    /// The configuration in force at an index, and the index of the entry that set it.
    pub fn configuration_at(&self, index: u64) -> Result<(Vec<Server>, u64), Error> {
        let mut conf = sys::raft_configuration { servers: ptr::null_mut(), n: 0 };
        let mut at = 0;
        // SAFETY: the configuration is copied before the next step.
        unsafe {
            self.check(sys::raft_configuration_at(&self.c, index, &mut conf, &mut at))?;
            Ok((decode::servers(&conf), at))
        }
    }

    /// A member's log is known to match up to here.
    pub fn match_index(&self, id: u64) -> Result<u64, Error> {
        let mut index = 0;
        // SAFETY: a getter.
        self.check(unsafe { sys::raft_match_index(&self.c, id, &mut index) })?;
        Ok(index)
    }

    /// What this leader knows of a member.
    pub fn progress(&self, id: u64) -> Result<Peer, Error> {
        // SAFETY: numbers; a getter.
        let (code, p) = unsafe {
            let mut p: sys::raft_peer = std::mem::zeroed();
            (sys::raft_progress(&self.c, id, &mut p), p)
        };
        self.check(code)?;
        Ok(Peer {
            mode: ProgressMode(p.mode),
            features: p.features,
            capacity: p.capacity,
            matched: p.r#match,
            next: p.next,
            last_contact: p.last_contact,
            snapshot_index: p.snapshot_index,
            snapshot_offset: p.snapshot_offset,
            data_losses: p.data_losses,
        })
    }

    /// Status of a member's catch-up.
    pub fn catch_up(&self, id: u64) -> Result<CatchUpStatus, Error> {
        let mut status = 0;
        // SAFETY: a getter.
        self.check(unsafe { sys::raft_catch_up(&self.c, id, &mut status) })?;
        Ok(CatchUpStatus(status))
    }

    fn check(&self, code: c_int) -> Result<(), Error> {
        match code {
            0 => Ok(()),
            code => Err(Error { code: Code(code), text: String::new() }),
        }
    }
}

impl Drop for Raft {
    fn drop(&mut self) {
        self.remove_tracer();
        // SAFETY: not used afterwards.
        unsafe { sys::raft_close(&mut self.c) };
    }
}
