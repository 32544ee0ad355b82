//! What there is, and what this principal may do with it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString};
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{Answer, Call, Native};
use crate::kafka::cluster::{Described, GroupDescribed, Holder, TopicDescribed};

type GroupState = sys::rd_kafka_consumer_group_state_t;

/// Topics that one request describes.
const TOPICS_A_REQUEST: usize = 500;

/// DescribeCluster: its id, its brokers, and what this principal may do with it.
pub(in crate::kafka) fn cluster(
    client: Native,
    timeout: Duration,
) -> Result<Described, KafkaError> {
    let op = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER;
    let call = Call::new(client, op, timeout);
    with_operations(&call)?;
    // SAFETY: the answer's pointers live as long as it.
    unsafe {
        sys::rd_kafka_DescribeCluster(client, call.options, call.queue);
        let answer = call.answer()?;
        let result = sys::rd_kafka_event_DescribeCluster_result(answer.0);
        let (mut brokers, mut count) = (0, 0);
        sys::rd_kafka_DescribeCluster_result_nodes(result, &raw mut brokers);
        let found =
            sys::rd_kafka_DescribeCluster_result_authorized_operations(result, &raw mut count);
        let id = sys::rd_kafka_DescribeCluster_result_cluster_id(result);
        Ok(Described {
            id: text(id),
            brokers,
            operations: operations(found, count),
        })
    }
}

/// DescribeTopics: ids and what this principal may do with them. Topics that are not there are left
/// out; those that may not be described are an error of their own.
pub(in crate::kafka) fn topics(
    client: Native,
    topics: &[&str],
    timeout: Duration,
) -> Result<BTreeMap<String, Result<TopicDescribed, RDKafkaErrorCode>>, KafkaError> {
    let mut all = BTreeMap::new();
    for some in topics.chunks(TOPICS_A_REQUEST) {
        let op = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let call = Call::new(client, op, timeout);
        with_operations(&call)?;
        let names: Vec<CString> = some.iter().filter_map(|t| CString::new(*t).ok()).collect();
        let mut pointers: Vec<_> = names.iter().map(|n| n.as_ptr()).collect();
        // SAFETY: the names outlive the request; the collection is destroyed once; the answer's
        // pointers live as long as it.
        unsafe {
            let collection =
                sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
            sys::rd_kafka_DescribeTopics(client, collection, call.options, call.queue);
            sys::rd_kafka_TopicCollection_destroy(collection);
            take_topics(&call.answer()?, &mut all);
        }
    }
    Ok(all)
}

/// # Safety
/// The answer is one of DescribeTopics.
unsafe fn take_topics(
    answer: &Answer,
    all: &mut BTreeMap<String, Result<TopicDescribed, RDKafkaErrorCode>>,
) {
    // SAFETY: by the caller; the pointers live as long as the answer.
    unsafe {
        let mut count = 0;
        let result = sys::rd_kafka_event_DescribeTopics_result(answer.0);
        let found = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        for i in 0..count {
            let topic = *found.add(i);
            let name = text(sys::rd_kafka_TopicDescription_name(topic));
            let error = sys::rd_kafka_TopicDescription_error(topic);
            match error_of(error) {
                RDKafkaErrorCode::NoError => {}
                RDKafkaErrorCode::UnknownTopicOrPartition => continue,
                code => {
                    all.insert(name, Err(code));
                    continue;
                }
            }
            let id = sys::rd_kafka_Uuid_base64str(sys::rd_kafka_TopicDescription_topic_id(topic));
            let mut allowed = 0;
            let granted =
                sys::rd_kafka_TopicDescription_authorized_operations(topic, &raw mut allowed);
            let described = TopicDescribed {
                id: text(id),
                operations: operations(granted, allowed),
            };
            all.insert(name, Ok(described));
        }
    }
}

/// ListConsumerGroups: the names that begin with a prefix. Brokers that do not answer are an error:
/// groups would be missing.
pub(in crate::kafka) fn groups(
    client: Native,
    prefix: &str,
    timeout: Duration,
) -> Result<Vec<String>, KafkaError> {
    let op = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS;
    let call = Call::new(client, op, timeout);
    let mut names = Vec::new();
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
            let name = text(sys::rd_kafka_ConsumerGroupListing_group_id(*found.add(i)));
            if name.starts_with(prefix) {
                names.push(name);
            }
        }
    }
    names.sort();
    Ok(names)
}

/// DescribeConsumerGroups, one group: who holds what, and what this principal may do with it. Of a group
/// that is not there it tells as of an empty one; the inner error is what the cluster said to it.
pub(in crate::kafka) fn group(
    client: Native,
    group: &str,
    timeout: Duration,
) -> Result<Result<GroupDescribed, RDKafkaErrorCode>, KafkaError> {
    let op = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;
    let call = Call::new(client, op, timeout);
    with_operations(&call)?;
    let name = CString::new(group).unwrap_or_default();
    let mut names = [name.as_ptr()];
    // SAFETY: the name outlives the request, which copies it; the answer's pointers live as long as it.
    unsafe {
        sys::rd_kafka_DescribeConsumerGroups(
            client,
            names.as_mut_ptr(),
            names.len(),
            call.options,
            call.queue,
        );
        let answer = call.answer()?;
        let mut count = 0;
        let result = sys::rd_kafka_event_DescribeConsumerGroups_result(answer.0);
        let found = sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
        if count == 0 {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::Unknown));
        }
        let group = *found;
        match error_of(sys::rd_kafka_ConsumerGroupDescription_error(group)) {
            RDKafkaErrorCode::NoError => {}
            code => return Ok(Err(code)),
        }
        let mut allowed = 0;
        let granted =
            sys::rd_kafka_ConsumerGroupDescription_authorized_operations(group, &raw mut allowed);
        let members = sys::rd_kafka_ConsumerGroupDescription_member_count(group);
        Ok(Ok(GroupDescribed {
            is_settled: matches!(
                sys::rd_kafka_ConsumerGroupDescription_state(group),
                GroupState::RD_KAFKA_CONSUMER_GROUP_STATE_STABLE
                    | GroupState::RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY
                    | GroupState::RD_KAFKA_CONSUMER_GROUP_STATE_DEAD
            ),
            holders: (0..members)
                .map(|i| holder(sys::rd_kafka_ConsumerGroupDescription_member(group, i)))
                .collect(),
            operations: operations(granted, allowed),
        }))
    }
}

/// # Safety
/// `member` points to a member that lives.
unsafe fn holder(member: *const sys::rd_kafka_MemberDescription_t) -> Holder {
    // SAFETY: by the caller; the list lives as long as the member.
    unsafe {
        let assignment = sys::rd_kafka_MemberDescription_assignment(member);
        let list = sys::rd_kafka_MemberAssignment_partitions(assignment);
        let count = list
            .as_ref()
            .map_or(0, |l| usize::try_from(l.cnt).unwrap_or(0));
        let partition = |i| {
            let element = &*(*list).elems.add(i);
            (text(element.topic).as_str().into(), element.partition)
        };
        Holder {
            client: text(sys::rd_kafka_MemberDescription_client_id(member)),
            instance: text(sys::rd_kafka_MemberDescription_group_instance_id(member)),
            partitions: (0..count).map(partition).collect(),
        }
    }
}

fn with_operations(call: &Call) -> Result<(), KafkaError> {
    // SAFETY: the options live as long as the call; an error is destroyed once.
    unsafe {
        let error = sys::rd_kafka_AdminOptions_set_include_authorized_operations(call.options, 1);
        let code = error_of(error);
        if !error.is_null() {
            sys::rd_kafka_error_destroy(error);
        }
        match code {
            RDKafkaErrorCode::NoError => Ok(()),
            code => Err(KafkaError::AdminOp(code)),
        }
    }
}

/// # Safety
/// `error` is null or points to an error that lives.
pub(super) unsafe fn error_of(error: *const sys::rd_kafka_error_t) -> RDKafkaErrorCode {
    if error.is_null() {
        return RDKafkaErrorCode::NoError;
    }
    // SAFETY: not null, and by the caller it lives.
    RDKafkaErrorCode::from(unsafe { sys::rd_kafka_error_code(error) })
}

/// # Safety
/// `chars` is null or a C string that lives.
pub(super) unsafe fn text(chars: *const std::ffi::c_char) -> String {
    if chars.is_null() {
        return String::new();
    }
    // SAFETY: not null, and by the caller a C string.
    unsafe { CStr::from_ptr(chars) }
        .to_string_lossy()
        .into_owned()
}

/// # Safety
/// `found` points to `count` operations, or is null.
unsafe fn operations(
    found: *const sys::rd_kafka_AclOperation_t,
    count: usize,
) -> Option<BTreeSet<String>> {
    if found.is_null() {
        return None;
    }
    // SAFETY: by the caller; librdkafka's names are static.
    unsafe {
        Some(
            (0..count)
                .map(|i| text(sys::rd_kafka_AclOperation_name(*found.add(i))))
                .collect(),
        )
    }
}
