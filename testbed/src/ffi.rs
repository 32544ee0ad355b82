//! librdkafka called directly where its Rust wrapper loses bytes: header names that are no text.
#![allow(
    unsafe_code,
    reason = "the safe wrapper panics on header names that are not UTF-8"
)]

use std::ffi::{CStr, CString, c_void};
use std::ptr;

use rdkafka::bindings as rd;
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafka;

use crate::record::{Header, Record};

/// The headers of a message, names as bytes. (A name with NUL in it ends there: a C string.)
pub(crate) fn headers(message: &BorrowedMessage<'_>) -> Vec<Header> {
    let mut found = Vec::new();
    let mut list = ptr::null_mut();
    // SAFETY: the message lives as long as the borrow; all pointers read belong to it.
    unsafe {
        if rd::rd_kafka_message_headers(message.ptr(), &mut list) != NO_ERROR {
            return found;
        }
        for index in 0.. {
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            let error = rd::rd_kafka_header_get_all(list, index, &mut name, &mut value, &mut size);
            if error != NO_ERROR {
                break;
            }
            let value = (!value.is_null())
                .then(|| std::slice::from_raw_parts(value.cast::<u8>(), size).to_vec());
            found.push((CStr::from_ptr(name).to_bytes().to_vec(), value));
        }
    }
    found
}

/// Hands a record to the producer behind `client`; its delivery is reported under `index`.
/// `Err` says why it was not taken: mostly because the queue is full.
pub(crate) fn produce(
    client: *mut RDKafka,
    topic: &CStr,
    partition: usize,
    record: &Record,
    index: usize,
) -> Result<(), String> {
    let copy = rd::RD_KAFKA_MSG_F_COPY;
    // SAFETY: key and value are copied before the call returns; the headers are librdkafka's own
    // from a successful call on, and destroyed here after one that failed.
    unsafe {
        let list = header_list(&record.headers);
        let arguments = [
            argument(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_TOPIC, |u| {
                u.cstr = topic.as_ptr()
            }),
            argument(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_PARTITION, |u| {
                u.i32_ = partition as i32;
            }),
            argument(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_MSGFLAGS, |u| {
                u.i = copy
            }),
            argument(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_KEY, |u| {
                u.mem = bytes(&record.key)
            }),
            argument(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_VALUE, |u| {
                u.mem = bytes(&record.value);
            }),
            argument(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_TIMESTAMP, |u| {
                u.i64_ = record.timestamp.unwrap_or(0);
            }),
            argument(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_OPAQUE, |u| {
                u.ptr = index as *mut c_void;
            }),
            argument(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_HEADERS, |u| {
                u.headers = list
            }),
        ];
        let error = rd::rd_kafka_produceva(client, arguments.as_ptr(), arguments.len());
        if error.is_null() {
            return Ok(());
        }
        rd::rd_kafka_headers_destroy(list);
        let text = CStr::from_ptr(rd::rd_kafka_error_string(error))
            .to_string_lossy()
            .into_owned();
        rd::rd_kafka_error_destroy(error);
        Err(text)
    }
}

/// Gives a client brokers beside those it knows.
pub(crate) fn add_brokers(client: *mut RDKafka, bootstrap: &str) {
    let servers = CString::new(bootstrap).expect("an address has no NUL");
    // SAFETY: the client is alive, and the text is copied.
    unsafe { rd::rd_kafka_brokers_add(client, servers.as_ptr()) };
}

/// The leader epoch of each element of a list of partitions; −1 where it has none.
pub(crate) fn leader_epochs(list: &TopicPartitionList) -> Vec<i32> {
    // SAFETY: the list lives through the call, and has `cnt` elements.
    unsafe {
        let native = &*list.ptr();
        (0..native.cnt as usize)
            .map(|i| rd::rd_kafka_topic_partition_get_leader_epoch(native.elems.add(i)))
            .collect()
    }
}

const NO_ERROR: rd::rd_kafka_resp_err_t = rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

type Bytes = rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1;

unsafe fn header_list(headers: &[Header]) -> *mut rd::rd_kafka_headers_t {
    // SAFETY: names and values are copied, with their lengths.
    unsafe {
        let list = rd::rd_kafka_headers_new(headers.len());
        for (name, value) in headers {
            let (data, size) = match value {
                None => (ptr::null(), 0),
                Some(value) => (value.as_ptr().cast::<c_void>(), value.len()),
            };
            let name_size = name.len() as isize;
            rd::rd_kafka_header_add(list, name.as_ptr().cast(), name_size, data, size as isize);
        }
        list
    }
}

fn argument(
    vtype: rd::rd_kafka_vtype_t,
    set: impl FnOnce(&mut rd::rd_kafka_vu_s__bindgen_ty_1),
) -> rd::rd_kafka_vu_t {
    // SAFETY: a union of integers and pointers, all of which may be zero.
    let mut u = unsafe { std::mem::zeroed() };
    set(&mut u);
    rd::rd_kafka_vu_t { vtype, u }
}

fn bytes(value: &Option<Vec<u8>>) -> Bytes {
    match value {
        None => Bytes {
            ptr: ptr::null_mut(),
            size: 0,
        },
        // An empty Vec's pointer is dangling but not null: just what tells empty from null.
        Some(v) => Bytes {
            ptr: v.as_ptr().cast_mut().cast(),
            size: v.len(),
        },
    }
}
