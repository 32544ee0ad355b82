//! ACLs of topics, by their literal names.

use std::collections::BTreeSet;
use std::time::Duration;

use crossdock_model::plan::Acl;
use rdkafka::bindings as sys;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::alter::{Refusal, c_string};
use super::describe::{error_of, text};
use super::{Call, Native};

type Operation = sys::rd_kafka_AclOperation_t;
type Permission = sys::rd_kafka_AclPermissionType_t;

/// The operations that a topic knows.
const OPERATIONS: [Operation; 9] = [
    Operation::RD_KAFKA_ACL_OPERATION_ALL,
    Operation::RD_KAFKA_ACL_OPERATION_READ,
    Operation::RD_KAFKA_ACL_OPERATION_WRITE,
    Operation::RD_KAFKA_ACL_OPERATION_CREATE,
    Operation::RD_KAFKA_ACL_OPERATION_DELETE,
    Operation::RD_KAFKA_ACL_OPERATION_ALTER,
    Operation::RD_KAFKA_ACL_OPERATION_DESCRIBE,
    Operation::RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS,
    Operation::RD_KAFKA_ACL_OPERATION_ALTER_CONFIGS,
];

/// DescribeAcls: those of topics by literal name.
pub(in crate::kafka) fn topic_acls(
    client: Native,
    timeout: Duration,
) -> Result<BTreeSet<Acl>, KafkaError> {
    let op = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBEACLS;
    let call = Call::new(client, op, timeout);
    let mut why = [0; 256];
    let mut acls = BTreeSet::new();
    // SAFETY: the filter is copied by the request and destroyed once; the answer's pointers live as
    // long as it.
    unsafe {
        let filter = sys::rd_kafka_AclBindingFilter_new(
            sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC,
            std::ptr::null(),
            sys::rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_LITERAL,
            std::ptr::null(),
            std::ptr::null(),
            Operation::RD_KAFKA_ACL_OPERATION_ANY,
            Permission::RD_KAFKA_ACL_PERMISSION_TYPE_ANY,
            why.as_mut_ptr(),
            why.len(),
        );
        sys::rd_kafka_DescribeAcls(client, filter, call.options, call.queue);
        sys::rd_kafka_AclBinding_destroy(filter);
        let answer = call.answer()?;
        let result = sys::rd_kafka_event_DescribeAcls_result(answer.0);
        let mut count = 0;
        let found = sys::rd_kafka_DescribeAcls_result_acls(result, &raw mut count);
        for i in 0..count {
            let acl = *found.add(i);
            let operation = sys::rd_kafka_AclBinding_operation(acl);
            let permission = sys::rd_kafka_AclBinding_permission_type(acl);
            let topic = text(sys::rd_kafka_AclBinding_name(acl));
            // `*` is every topic: it does not belong to one.
            if OPERATIONS.contains(&operation) && topic != "*" {
                acls.insert(Acl {
                    topic,
                    principal: text(sys::rd_kafka_AclBinding_principal(acl)),
                    host: text(sys::rd_kafka_AclBinding_host(acl)),
                    operation: text(sys::rd_kafka_AclOperation_name(operation)),
                    permission: text(sys::rd_kafka_AclPermissionType_name(permission)),
                });
            }
        }
    }
    Ok(acls)
}

/// CreateAcls, one. The inner error is what the cluster said to it.
pub(in crate::kafka) fn create_acl(
    client: Native,
    acl: &Acl,
    timeout: Duration,
) -> Result<Result<(), Refusal>, KafkaError> {
    let op = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATEACLS;
    let call = Call::new(client, op, timeout);
    let mut why = [0; 256];
    let (topic, principal, host) = (
        c_string(&acl.topic)?,
        c_string(&acl.principal)?,
        c_string(&acl.host)?,
    );
    // SAFETY: operation names are static; the strings outlive the binding, which copies them; it is
    // destroyed once; the answer's pointers live as long as it.
    unsafe {
        let is_it = |o: &&Operation| text(sys::rd_kafka_AclOperation_name(**o)) == acl.operation;
        let Some(operation) = OPERATIONS.iter().find(is_it) else {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::InvalidArgument));
        };
        let permission = if acl.permission == "DENY" {
            Permission::RD_KAFKA_ACL_PERMISSION_TYPE_DENY
        } else {
            Permission::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW
        };
        let mut binding = sys::rd_kafka_AclBinding_new(
            sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC,
            topic.as_ptr(),
            sys::rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_LITERAL,
            principal.as_ptr(),
            host.as_ptr(),
            *operation,
            permission,
            why.as_mut_ptr(),
            why.len(),
        );
        if binding.is_null() {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::InvalidArgument));
        }
        sys::rd_kafka_CreateAcls(client, &raw mut binding, 1, call.options, call.queue);
        sys::rd_kafka_AclBinding_destroy(binding);
        let answer = call.answer()?;
        let result = sys::rd_kafka_event_CreateAcls_result(answer.0);
        let mut count = 0;
        let found = sys::rd_kafka_CreateAcls_result_acls(result, &raw mut count);
        for i in 0..count {
            let error = sys::rd_kafka_acl_result_error(*found.add(i));
            let code = error_of(error);
            if code != RDKafkaErrorCode::NoError {
                return Ok(Err((code, text(sys::rd_kafka_error_string(error)))));
            }
        }
    }
    Ok(Ok(()))
}
