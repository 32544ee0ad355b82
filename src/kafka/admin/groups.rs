//! Consumer groups, many at once: which there are, what they have committed, and commits for them.
//!
//! librdkafka takes one group a call for offsets: so many calls are under way at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::alter::c_string;
use super::describe::{error_of, text};
use super::{Answer, Call, Native};
use crate::kafka::{Fetched, Offsets, TopicPartition};

/// Calls that are under way at the same time.
const CALLS_AT_ONCE: usize = 50;

/// What a broker says to the commit for one group: of each partition that it did not take, why.
pub(in crate::kafka) type Commits = Vec<(TopicPartition, RDKafkaErrorCode)>;

/// ListConsumerGroups: names, and whether they have members. Groups of both protocols are there.
/// Brokers that do not answer are an error: groups would be missing.
pub(in crate::kafka) fn list(
    client: Native,
    timeout: Duration,
) -> Result<BTreeMap<String, bool>, KafkaError> {
    let op = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS;
    let call = Call::new(client, op, timeout);
    let mut groups = BTreeMap::new();
    // SAFETY: the answer's pointers live as long as it.
    unsafe {
        sys::rd_kafka_ListConsumerGroups(client, call.options, call.queue);
        let answer = call.answer()?;
        let result = sys::rd_kafka_event_ListConsumerGroups_result(answer.0);
        let mut count = 0;
        let errors = sys::rd_kafka_ListConsumerGroups_result_errors(result, &raw mut count);
        if count > 0 {
            return Err(KafkaError::AdminOp(error_of(*errors)));
        }
        let found = sys::rd_kafka_ListConsumerGroups_result_valid(result, &raw mut count);
        for i in 0..count {
            let listing = *found.add(i);
            let name = text(sys::rd_kafka_ConsumerGroupListing_group_id(listing));
            let state = sys::rd_kafka_ConsumerGroupListing_state(listing);
            groups.insert(name, has_members(state));
        }
    }
    Ok(groups)
}

/// Every state but these two is one of a group with members; those of KIP-848 that librdkafka does not
/// know are, too.
fn has_members(state: sys::rd_kafka_consumer_group_state_t) -> bool {
    use sys::rd_kafka_consumer_group_state_t as state;
    !matches!(
        state,
        state::RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY | state::RD_KAFKA_CONSUMER_GROUP_STATE_DEAD
    )
}

/// ListConsumerGroupOffsets for each of these groups: all that they have committed, with what was noted.
/// Those of an open transaction do not count, and are not waited for. The inner error is one group's.
pub(in crate::kafka) fn offsets(
    client: Native,
    groups: &[&str],
    timeout: Duration,
) -> Result<Vec<Result<Offsets, KafkaError>>, KafkaError> {
    let op = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS;
    let mut all = Vec::with_capacity(groups.len());
    for some in groups.chunks(CALLS_AT_ONCE) {
        let mut calls = Vec::with_capacity(some.len());
        for group in some {
            let name = c_string(group)?;
            let call = Call::new(client, op, timeout);
            // SAFETY: the request is copied by the call and destroyed once.
            unsafe {
                let mut request =
                    sys::rd_kafka_ListConsumerGroupOffsets_new(name.as_ptr(), std::ptr::null());
                sys::rd_kafka_ListConsumerGroupOffsets(
                    client,
                    &raw mut request,
                    1,
                    call.options,
                    call.queue,
                );
                sys::rd_kafka_ListConsumerGroupOffsets_destroy(request);
            }
            calls.push(call);
        }
        for call in calls {
            all.push(call.answer().and_then(|answer| committed(&answer)));
        }
    }
    Ok(all)
}

fn committed(answer: &Answer) -> Result<Offsets, KafkaError> {
    let mut offsets = BTreeMap::new();
    // SAFETY: the answer is one of ListConsumerGroupOffsets; its pointers live as long as it.
    unsafe {
        let mut count = 0;
        let result = sys::rd_kafka_event_ListConsumerGroupOffsets_result(answer.0);
        let groups = sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count);
        for i in 0..count {
            each_partition(*groups.add(i), |place, element| {
                if element.offset >= 0 {
                    let fetched = Fetched {
                        offset: Some(element.offset),
                        metadata: metadata(element),
                    };
                    offsets.insert(place, fetched);
                }
            })?;
        }
    }
    Ok(offsets)
}

/// AlterConsumerGroupOffsets for each of these groups, without leader epochs: a broker refuses it for a
/// group that has members. The inner error is what was said to a whole group.
pub(in crate::kafka) fn commit(
    client: Native,
    groups: &[(&str, TopicPartitionList)],
    timeout: Duration,
) -> Result<Vec<Result<Commits, RDKafkaErrorCode>>, KafkaError> {
    let op = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS;
    let mut all = Vec::with_capacity(groups.len());
    for some in groups.chunks(CALLS_AT_ONCE) {
        let mut calls = Vec::with_capacity(some.len());
        for (group, offsets) in some {
            let name = c_string(group)?;
            let call = Call::new(client, op, timeout);
            // SAFETY: the offsets are copied by the request, the request by the call; it is destroyed
            // once.
            unsafe {
                let mut request =
                    sys::rd_kafka_AlterConsumerGroupOffsets_new(name.as_ptr(), offsets.ptr());
                sys::rd_kafka_AlterConsumerGroupOffsets(
                    client,
                    &raw mut request,
                    1,
                    call.options,
                    call.queue,
                );
                sys::rd_kafka_AlterConsumerGroupOffsets_destroy(request);
            }
            calls.push(call);
        }
        for call in calls {
            all.push(match call.answer() {
                Ok(answer) => taken(&answer),
                Err(KafkaError::AdminOp(code)) => Err(code),
                Err(error) => return Err(error),
            });
        }
    }
    Ok(all)
}

fn taken(answer: &Answer) -> Result<Commits, RDKafkaErrorCode> {
    let mut refused = Vec::new();
    // SAFETY: the answer is one of AlterConsumerGroupOffsets; its pointers live as long as it.
    let read = unsafe {
        let mut count = 0;
        let result = sys::rd_kafka_event_AlterConsumerGroupOffsets_result(answer.0);
        let groups = sys::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &raw mut count);
        (0..count).try_for_each(|i| {
            each_partition(
                *groups.add(i),
                |place, element| match RDKafkaErrorCode::from(element.err) {
                    RDKafkaErrorCode::NoError => {}
                    code => refused.push((place, code)),
                },
            )
        })
    };
    match read {
        Ok(()) => Ok(refused),
        Err(error) => Err(error
            .rdkafka_error_code()
            .unwrap_or(RDKafkaErrorCode::Unknown)),
    }
}

/// # Safety
/// `group` points to a group result that lives.
unsafe fn each_partition(
    group: *const sys::rd_kafka_group_result_t,
    mut see: impl FnMut(TopicPartition, &sys::rd_kafka_topic_partition_t),
) -> Result<(), KafkaError> {
    // SAFETY: by the caller; the list and its strings live as long as the group result.
    unsafe {
        match error_of(sys::rd_kafka_group_result_error(group)) {
            RDKafkaErrorCode::NoError => {}
            code => return Err(KafkaError::AdminOp(code)),
        }
        let Some(list) = sys::rd_kafka_group_result_partitions(group).as_ref() else {
            return Ok(());
        };
        // Of one topic there are many partitions, one behind the other.
        let mut topic: Arc<str> = Arc::from("");
        for k in 0..usize::try_from(list.cnt).unwrap_or(0) {
            let element = &*list.elems.add(k);
            let name = std::ffi::CStr::from_ptr(element.topic).to_string_lossy();
            if *topic != *name {
                topic = Arc::from(&*name);
            }
            see((topic.clone(), element.partition), element);
        }
    }
    Ok(())
}

/// # Safety
/// The element lives, with its metadata.
unsafe fn metadata(element: &sys::rd_kafka_topic_partition_t) -> String {
    if element.metadata.is_null() {
        return String::new();
    }
    // SAFETY: by the caller; not null.
    let bytes =
        unsafe { std::slice::from_raw_parts(element.metadata.cast::<u8>(), element.metadata_size) };
    String::from_utf8_lossy(bytes).into_owned()
}
