//! IncrementalAlterConfigs: sets single configs of a topic; all others stay as they are.

use std::ffi::CString;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::describe::text;
use super::{Call, Native};

/// Why a cluster refused: its code, and its own words where it has some.
pub(in crate::kafka) type Refusal = (RDKafkaErrorCode, String);

/// Sets configs of a topic. The inner error is what the cluster said to it.
pub(in crate::kafka) fn set_topic_configs(
    client: Native,
    topic: &str,
    configs: &[(&str, &str)],
    timeout: Duration,
) -> Result<Result<(), Refusal>, KafkaError> {
    let op = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS;
    let call = Call::new(client, op, timeout);
    let name = c_string(topic)?;
    // SAFETY: the strings outlive the request, which copies them; the resource is destroyed once; the
    // answer's pointers live as long as it.
    unsafe {
        let mut resource = sys::rd_kafka_ConfigResource_new(
            sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC,
            name.as_ptr(),
        );
        let mut refused = false;
        for (key, value) in configs {
            let (Ok(key), Ok(value)) = (c_string(key), c_string(value)) else {
                refused = true;
                continue;
            };
            let error = sys::rd_kafka_ConfigResource_add_incremental_config(
                resource,
                key.as_ptr(),
                sys::rd_kafka_AlterConfigOpType_t::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET,
                value.as_ptr(),
            );
            if !error.is_null() {
                sys::rd_kafka_error_destroy(error);
                refused = true;
            }
        }
        if refused {
            sys::rd_kafka_ConfigResource_destroy(resource);
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::InvalidConfig));
        }
        sys::rd_kafka_IncrementalAlterConfigs(
            client,
            &raw mut resource,
            1,
            call.options,
            call.queue,
        );
        sys::rd_kafka_ConfigResource_destroy(resource);
        let answer = call.answer()?;
        let result = sys::rd_kafka_event_IncrementalAlterConfigs_result(answer.0);
        let mut count = 0;
        let found = sys::rd_kafka_IncrementalAlterConfigs_result_resources(result, &raw mut count);
        for i in 0..count {
            let resource = *found.add(i);
            let code = RDKafkaErrorCode::from(sys::rd_kafka_ConfigResource_error(resource));
            if code != RDKafkaErrorCode::NoError {
                let words = text(sys::rd_kafka_ConfigResource_error_string(resource));
                return Ok(Err((code, words)));
            }
        }
    }
    Ok(Ok(()))
}

/// Names and values without NUL; anything else is no config and no topic.
pub(super) fn c_string(text: &str) -> Result<CString, KafkaError> {
    CString::new(text).map_err(|_| KafkaError::AdminOp(RDKafkaErrorCode::InvalidArgument))
}
