//! A record as it lies in librdkafka's memory.
#![expect(
    unsafe_code,
    reason = "rdkafka's header reader panics on names that are not UTF-8"
)]

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use rdkafka::bindings as sys;

/// A record as it was read.
pub struct Record<'a> {
    native: *mut sys::rd_kafka_message_t,
    headers: Headers<'a>,
}

/// The headers of a record.
#[derive(Clone)]
pub struct HeaderIter<'a> {
    headers: *mut sys::rd_kafka_headers_t,
    next: usize,
    record: std::marker::PhantomData<&'a ()>,
}

impl<'a> Iterator for HeaderIter<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.headers.is_null() {
            return None;
        }
        let (mut name, mut value, mut size): (*const c_char, *const c_void, usize) =
            (ptr::null(), ptr::null(), 0);
        // SAFETY: the headers belong to the message, and stay while the record is borrowed.
        unsafe {
            let error = sys::rd_kafka_header_get_all(
                self.headers,
                self.next,
                &raw mut name,
                &raw mut value,
                &raw mut size,
            );
            if error != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return None;
            }
            self.next += 1;
            let value =
                (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), size));
            Some((CStr::from_ptr(name).to_bytes(), value))
        }
    }
}

struct Headers<'a>(
    *mut sys::rd_kafka_headers_t,
    std::marker::PhantomData<&'a ()>,
);

impl Headers<'_> {
    fn of(message: *mut sys::rd_kafka_message_t) -> Self {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is alive; without headers the call leaves the pointer null.
        unsafe { sys::rd_kafka_message_headers(message, &raw mut headers) };
        Self(headers, std::marker::PhantomData)
    }
}

impl Record<'_> {
    pub(super) fn of(native: *mut sys::rd_kafka_message_t) -> Self {
        Self {
            native,
            headers: Headers::of(native),
        }
    }

    fn message(&self) -> &sys::rd_kafka_message_t {
        // SAFETY: alive as long as the batch, which this borrows from.
        unsafe { &*self.native }
    }

    /// Its offset.
    pub fn offset(&self) -> i64 {
        self.message().offset
    }

    /// Its key; `None` is null, which is not empty.
    pub fn key(&self) -> Option<&[u8]> {
        let m = self.message();
        // SAFETY: the key lives as long as the message.
        (!m.key.is_null()).then(|| unsafe { std::slice::from_raw_parts(m.key.cast(), m.key_len) })
    }

    /// The leader epoch in which it was written, where the source tells (KIP-101).
    pub fn leader_epoch(&self) -> Option<i32> {
        // SAFETY: the message is alive.
        let epoch = unsafe { sys::rd_kafka_message_leader_epoch(self.native) };
        (epoch >= 0).then_some(epoch)
    }

    /// Its value; `None` is a tombstone.
    pub fn value(&self) -> Option<&[u8]> {
        let m = self.message();
        // SAFETY: the value lives as long as the message.
        (!m.payload.is_null())
            .then(|| unsafe { std::slice::from_raw_parts(m.payload.cast(), m.len) })
    }

    /// Key and value together, in bytes.
    pub fn bytes(&self) -> u64 {
        (self.message().len + self.message().key_len) as u64
    }

    /// Its timestamp, in milliseconds since the epoch; −1 when it has none.
    pub fn timestamp(&self) -> i64 {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive.
        unsafe { sys::rd_kafka_message_timestamp(self.native, &raw mut kind) }
    }

    /// Key, value and headers together, in bytes.
    pub fn size(&self) -> u64 {
        let of = |(name, value): (&[u8], Option<&[u8]>)| name.len() + value.map_or(0, <[u8]>::len);
        self.bytes() + self.header_iter().map(of).sum::<usize>() as u64
    }

    /// Its headers, in order: names up to their first NUL, and values, `None` where they are null.
    pub fn header_iter(&self) -> HeaderIter<'_> {
        HeaderIter {
            headers: self.headers.0,
            next: 0,
            record: std::marker::PhantomData,
        }
    }

    /// Hands the value of each header of this name to `see`, in order. A null value is empty here.
    pub fn each_header(&self, name: &CStr, mut see: impl FnMut(&[u8])) {
        let named = self
            .header_iter()
            .filter(|(found, _)| *found == name.to_bytes());
        named.for_each(|(_, value)| see(value.unwrap_or_default()));
    }

    /// Hands name and value of each header to `see`, in order. A name ends at its first NUL.
    pub fn headers(&self, mut see: impl FnMut(&[u8], Option<&[u8]>)) {
        self.header_iter()
            .for_each(|(name, value)| see(name, value));
    }

    /// Takes the headers out of the record, byte for byte, for another one to own; null when it has none.
    pub(in crate::kafka) fn detach_headers(&mut self) -> *mut sys::rd_kafka_headers_t {
        let mut headers = ptr::null_mut();
        // SAFETY: the message gives its headers away; the caller owns them.
        unsafe { sys::rd_kafka_message_detach_headers(self.native, &raw mut headers) };
        self.headers.0 = ptr::null_mut();
        headers
    }

    /// Value and key as they are: null is not empty.
    pub(in crate::kafka) fn raw(&self) -> ((*mut c_void, usize), (*mut c_void, usize)) {
        let m = self.message();
        ((m.payload, m.len), (m.key, m.key_len))
    }
}
