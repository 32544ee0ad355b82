//! Admin calls that `rdkafka` has no safe wrapper for, made through librdkafka directly.
#![expect(
    unsafe_code,
    reason = "rdkafka wraps neither ListOffsets nor DescribeTopics nor AlterConsumerGroupOffsets"
)]

pub(super) mod acls;
pub(super) mod alter;
pub(super) mod describe;
pub(super) mod groups;

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::TopicPartition;

/// Which offset of a partition is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spec {
    /// The log start offset.
    Start,
    /// The last stable offset.
    End,
    /// The high watermark: what an open transaction holds back lies before it.
    HighWatermark,
    /// The offset of the record with the latest timestamp.
    Newest,
    /// The offset of the first record at or after this time, in milliseconds since the epoch.
    At(i64),
}

type Native = *mut sys::rd_kafka_t;

/// One admin request and its answer: the queue and the options live as long as the call.
struct Call {
    options: *mut sys::rd_kafka_AdminOptions_t,
    queue: *mut sys::rd_kafka_queue_t,
}

impl Call {
    fn new(client: Native, op: sys::rd_kafka_admin_op_t, timeout: Duration) -> Self {
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        let mut text = [0; 256];
        // SAFETY: the client outlives the call; the options and the queue are destroyed once, in drop.
        unsafe {
            let options = sys::rd_kafka_AdminOptions_new(client, op);
            sys::rd_kafka_AdminOptions_set_request_timeout(
                options,
                millis,
                text.as_mut_ptr(),
                text.len(),
            );
            Self {
                options,
                queue: sys::rd_kafka_queue_new(client),
            }
        }
    }

    /// Waits for the answer; the request itself has a time-out, so it comes.
    fn answer(&self) -> Result<Answer, KafkaError> {
        // SAFETY: the event is checked for null and destroyed once, by `Answer`.
        unsafe {
            let event = sys::rd_kafka_queue_poll(self.queue, -1);
            if event.is_null() {
                return Err(KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut));
            }
            let answer = Answer(event);
            match RDKafkaErrorCode::from(sys::rd_kafka_event_error(event)) {
                RDKafkaErrorCode::NoError => Ok(answer),
                code => Err(KafkaError::AdminOp(code)),
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // SAFETY: made in `new`, destroyed here only.
        unsafe {
            sys::rd_kafka_queue_destroy(self.queue);
            sys::rd_kafka_AdminOptions_destroy(self.options);
        }
    }
}

struct Answer(*mut sys::rd_kafka_event_t);

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: the event belongs to this value.
        unsafe { sys::rd_kafka_event_destroy(self.0) }
    }
}

/// Asks a broker for nothing but a sign of life: metadata of no topic.
pub(super) fn ping(client: Native, timeout: Duration) -> Result<(), KafkaError> {
    let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let mut metadata: *const sys::rd_kafka_metadata = std::ptr::null();
    // SAFETY: the client is alive; the answer is destroyed once, and only where there is one.
    let code = unsafe {
        let code =
            sys::rd_kafka_metadata(client, 0, std::ptr::null_mut(), &raw mut metadata, millis);
        if !metadata.is_null() {
            sys::rd_kafka_metadata_destroy(metadata);
        }
        code
    };
    match RDKafkaErrorCode::from(code) {
        RDKafkaErrorCode::NoError => Ok(()),
        code => Err(KafkaError::MetadataFetch(code)),
    }
}

/// Offsets of the partitions that have a leader, and why others have none.
pub(super) struct Listed {
    pub(super) offsets: BTreeMap<TopicPartition, i64>,
    pub(super) failed: Option<KafkaError>,
    /// The latest timestamp that came along, where times were asked for.
    pub(super) newest: Option<i64>,
}

/// ListOffsets, `read_committed` but for high watermarks: one request per broker, whatever the number of partitions.
pub(super) fn list_offsets(
    client: Native,
    partitions: &[TopicPartition],
    spec: Spec,
    timeout: Duration,
) -> Result<Listed, KafkaError> {
    let wanted = match spec {
        Spec::Start => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_EARLIEST as i64,
        Spec::End | Spec::HighWatermark => {
            sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST as i64
        }
        Spec::Newest => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_MAX_TIMESTAMP as i64,
        Spec::At(timestamp) => timestamp,
    };
    let mut asked = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        let mut element = asked.add_partition(topic, *partition);
        // The request's offsets are specs and timestamps: raw values that `Offset` would refuse.
        element.set_offset(rdkafka::Offset::Invalid)?;
    }
    let call = Call::new(
        client,
        sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS,
        timeout,
    );
    // SAFETY: `asked` outlives the request, which copies it; the answer's pointers live as long as it.
    unsafe {
        let list = asked.ptr();
        for i in 0..usize::try_from((*list).cnt).unwrap_or(0) {
            (*(*list).elems.add(i)).offset = wanted;
        }
        let isolation = match spec {
            Spec::HighWatermark => {
                sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED
            }
            _ => sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED,
        };
        sys::rd_kafka_AdminOptions_set_isolation_level(call.options, isolation);
        sys::rd_kafka_ListOffsets(client, list, call.options, call.queue);
        let answer = call.answer()?;
        let mut count = 0;
        let result = sys::rd_kafka_event_ListOffsets_result(answer.0);
        let infos = sys::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
        let (mut offsets, mut failed, mut newest) = (BTreeMap::new(), None, None);
        for i in 0..count {
            let timestamp = sys::rd_kafka_ListOffsetsResultInfo_timestamp(*infos.add(i));
            newest = newest.max((timestamp >= 0).then_some(timestamp));
            let found = &*sys::rd_kafka_ListOffsetsResultInfo_topic_partition(*infos.add(i));
            let topic: Arc<str> = CStr::from_ptr(found.topic).to_string_lossy().into();
            match RDKafkaErrorCode::from(found.err) {
                RDKafkaErrorCode::NoError => {
                    offsets.insert((topic, found.partition), found.offset);
                }
                code => failed = Some(KafkaError::AdminOp(code)),
            }
        }
        Ok(Listed {
            offsets,
            failed,
            newest,
        })
    }
}

/// DescribeTopics, for the ids alone. Topics that are not there are left out.
pub(super) fn topic_ids(
    client: Native,
    topics: &[&str],
    timeout: Duration,
) -> Result<BTreeMap<String, String>, KafkaError> {
    let names: Vec<CString> = topics
        .iter()
        .filter_map(|t| CString::new(*t).ok())
        .collect();
    let mut pointers: Vec<_> = names.iter().map(|n| n.as_ptr()).collect();
    let call = Call::new(
        client,
        sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        timeout,
    );
    // SAFETY: the names outlive the request; the collection is destroyed once; the answer's pointers
    // live as long as it.
    unsafe {
        let collection =
            sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        sys::rd_kafka_DescribeTopics(client, collection, call.options, call.queue);
        sys::rd_kafka_TopicCollection_destroy(collection);
        let answer = call.answer()?;
        let mut count = 0;
        let result = sys::rd_kafka_event_DescribeTopics_result(answer.0);
        let found = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        let mut ids = BTreeMap::new();
        for i in 0..count {
            let topic = *found.add(i);
            let error = sys::rd_kafka_TopicDescription_error(topic);
            if !error.is_null()
                && sys::rd_kafka_error_code(error)
                    != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
            {
                continue;
            }
            let name = CStr::from_ptr(sys::rd_kafka_TopicDescription_name(topic))
                .to_string_lossy()
                .into_owned();
            let id = sys::rd_kafka_Uuid_base64str(sys::rd_kafka_TopicDescription_topic_id(topic));
            ids.insert(name, CStr::from_ptr(id).to_string_lossy().into_owned());
        }
        Ok(ids)
    }
}
