//! A record on its way to librdkafka, and what is done to its headers.
#![expect(
    unsafe_code,
    reason = "records pass their headers on without a copy: rd_kafka_producev is called directly"
)]

use std::ffi::{CString, c_void};

use crossdock_model::provenance::HEADER;
use rdkafka::bindings as sys;
use rdkafka::error::RDKafkaErrorCode;

use crate::kafka::reader::Record;

/// Says of a header's name whether the header stays behind.
pub type Drops<'a> = &'a dyn Fn(&[u8]) -> bool;

/// What is done to a record's headers on its way, in this order.
#[derive(Clone, Copy, Default)]
pub struct Stamp<'a> {
    /// Headers that stay behind.
    pub drop: Option<Drops<'a>>,
    /// Headers that are added.
    pub more: &'a [(&'a str, &'a [u8])],
    /// One more hop.
    pub via: Option<&'a [u8]>,
    /// Another timestamp than its own.
    pub timestamp: Option<i64>,
}

/// A record on its way to librdkafka.
pub(super) struct Parcel {
    pub(super) value: (*mut c_void, usize),
    pub(super) key: (*mut c_void, usize),
    pub(super) timestamp: i64,
    pub(super) headers: *mut sys::rd_kafka_headers_t,
    pub(super) source_offset: i64,
}

impl Parcel {
    pub(super) fn bytes(&self) -> u64 {
        (self.value.1 + self.key.1) as u64
    }

    /// A produce that failed leaves the headers to us.
    pub(super) fn discard(&self) {
        if !self.headers.is_null() {
            // SAFETY: nobody else has them; the parcel is not used again.
            unsafe { sys::rd_kafka_headers_destroy(self.headers) };
        }
    }
}

/// The record's own headers, taken over as they are, but for what the stamp says.
pub(super) fn stamped(record: &mut Record<'_>, stamp: &Stamp<'_>) -> *mut sys::rd_kafka_headers_t {
    let left: Vec<CString> = match stamp.drop {
        None => Vec::new(),
        Some(drops) => {
            let names = record.header_iter().map(|(name, _)| name);
            let left = names.filter(|name| drops(name));
            left.filter_map(|name| CString::new(name).ok()).collect()
        }
    };
    let mut headers = record.detach_headers();
    // SAFETY: the headers are ours.
    unsafe {
        if headers.is_null() && (stamp.via.is_some() || !stamp.more.is_empty()) {
            headers = sys::rd_kafka_headers_new(1);
        }
        for name in left {
            sys::rd_kafka_header_remove(headers, name.as_ptr());
        }
    }
    for (name, value) in stamp.more {
        add_header(headers, name, value);
    }
    if let Some(via) = stamp.via {
        add_header(headers, HEADER, via);
    }
    headers
}

pub(super) fn add_header(headers: *mut sys::rd_kafka_headers_t, name: &str, value: &[u8]) {
    let size = |bytes: usize| isize::try_from(bytes).unwrap_or(isize::MAX);
    // SAFETY: the headers are ours; name and value are copied by the call.
    unsafe {
        sys::rd_kafka_header_add(
            headers,
            name.as_ptr().cast(),
            size(name.len()),
            value.as_ptr().cast(),
            size(value.len()),
        );
    }
}

pub(super) fn produce(
    client: *mut sys::rd_kafka_t,
    topic: *mut sys::rd_kafka_topic_t,
    partition: i32,
    parcel: &Parcel,
) -> RDKafkaErrorCode {
    use sys::rd_kafka_vtype_t as V;
    let copy = sys::RD_KAFKA_MSG_F_COPY;
    // SAFETY: the tags say what follows each of them; key and value are copied; the headers change
    // hands only on success.
    let error = unsafe {
        sys::rd_kafka_producev(
            client,
            V::RD_KAFKA_VTYPE_RKT,
            topic,
            V::RD_KAFKA_VTYPE_PARTITION,
            partition,
            V::RD_KAFKA_VTYPE_MSGFLAGS,
            copy,
            V::RD_KAFKA_VTYPE_VALUE,
            parcel.value.0,
            parcel.value.1,
            V::RD_KAFKA_VTYPE_KEY,
            parcel.key.0,
            parcel.key.1,
            V::RD_KAFKA_VTYPE_TIMESTAMP,
            parcel.timestamp,
            V::RD_KAFKA_VTYPE_OPAQUE,
            parcel.source_offset as *mut c_void,
            V::RD_KAFKA_VTYPE_HEADERS,
            parcel.headers,
            V::RD_KAFKA_VTYPE_END,
        )
    };
    RDKafkaErrorCode::from(error)
}
