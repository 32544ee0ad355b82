//! Consumer groups of a cluster: who they are, what they have committed, and commits for them.

use std::collections::BTreeMap;

use rdkafka::consumer::Consumer;
use rdkafka::error::RDKafkaErrorCode;

use super::{ANSWER_WITHIN, Cluster};
use crate::kafka::client::{code_of, kind_of, words};
use crate::kafka::group::position_list;
use crate::kafka::{Error, ErrorKind, Fetched, Position, TopicPartition, admin};

/// What a group has committed.
pub type Offsets = BTreeMap<TopicPartition, Fetched>;

/// What became of the positions that were committed for one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// They are there, but for these, each with why.
    Taken(BTreeMap<TopicPartition, String>),
    /// None: it has members.
    HasMembers,
    /// None, and why.
    Refused(Error),
}

impl Cluster {
    /// Its consumer groups, of either protocol, each with whether it has members. Empty where the
    /// cluster has no admin calls.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn consumer_groups(&self) -> Result<BTreeMap<String, bool>, Error> {
        if !self.capabilities().admin {
            return Ok(BTreeMap::new());
        }
        admin::groups::list(self.client().client().native_ptr(), ANSWER_WITHIN)
            .map_err(|e| self.failed("list its consumer groups", &e))
    }

    /// Everything that these groups have committed, in their order, with what was noted with it; why
    /// not, where a group may not be described.
    ///
    /// # Errors
    /// It does not answer.
    pub fn offsets_of_groups(&self, groups: &[&str]) -> Result<Vec<Result<Offsets, Error>>, Error> {
        let Some(first) = groups.first() else {
            return Ok(Vec::new());
        };
        let client = self.client_of_groups(first)?;
        let found = admin::groups::offsets(client.client().native_ptr(), groups, ANSWER_WITHIN)
            .map_err(|e| self.failed("list the offsets of consumer groups", &e))?;
        self.forget_coordinators(found.iter().filter_map(|f| code_of(f.as_ref().err()?)))?;
        let told = found.into_iter().zip(groups).map(|(offsets, group)| {
            let failed = |e| self.failed(&format!("list the offsets of group `{group}`"), &e);
            match offsets.map_err(failed) {
                Err(error) if error.kind == ErrorKind::Unreachable => Err(error),
                told => Ok(told),
            }
        });
        told.collect()
    }

    /// Commits positions for groups without members, without leader epochs; what became of each, in
    /// their order.
    ///
    /// # Errors
    /// It does not answer.
    pub fn commit_for_groups(
        &self,
        groups: &[(&str, Vec<Position>)],
    ) -> Result<Vec<Committed>, Error> {
        let doing = "commit offsets for consumer groups";
        let mut asked = Vec::with_capacity(groups.len());
        for (group, positions) in groups {
            let list = position_list(positions).map_err(|e| self.failed(doing, &e))?;
            asked.push((*group, list));
        }
        let client = self.client();
        let answers = admin::groups::commit(client.client().native_ptr(), &asked, ANSWER_WITHIN)
            .map_err(|e| self.failed(doing, &e))?;
        self.forget_coordinators(answers.iter().filter_map(|a| a.as_ref().err().copied()))?;
        let said = |(answer, (group, _)): (_, &(&str, _))| match answer {
            Ok(refused) => self.said(group, refused),
            Err(code) if is_of_members(code) => Committed::HasMembers,
            Err(code) => Committed::Refused(self.refusal(group, code)),
        };
        Ok(answers.into_iter().zip(&asked).map(said).collect())
    }

    /// A client that has lost all brokers for a moment still knows the coordinators of before, and waits for
    /// brokers that librdkafka has let go of; and one whose coordinator says that it is none any more asks it
    /// again. Both for as long as librdkafka remembers them: a quarter of an hour. A new client has nothing to
    /// remember.
    fn forget_coordinators(
        &self,
        mut failures: impl Iterator<Item = RDKafkaErrorCode>,
    ) -> Result<(), Error> {
        let is_outdated = |code| {
            matches!(
                code,
                RDKafkaErrorCode::OperationTimedOut
                    | RDKafkaErrorCode::RequestTimedOut
                    | RDKafkaErrorCode::NotCoordinator
            )
        };
        match failures.any(is_outdated) {
            true => self.renew_client(),
            false => Ok(()),
        }
    }

    fn said(&self, group: &str, refused: admin::groups::Commits) -> Committed {
        match refused.first() {
            Some((_, code)) if is_of_members(*code) => Committed::HasMembers,
            Some((_, code)) if *code == RDKafkaErrorCode::GroupAuthorizationFailed => {
                Committed::Refused(self.refusal(group, *code))
            }
            _ => Committed::Taken(refused.into_iter().map(|(p, c)| (p, words(c))).collect()),
        }
    }

    fn refusal(&self, group: &str, code: RDKafkaErrorCode) -> Error {
        let kind = match code {
            RDKafkaErrorCode::GroupAuthorizationFailed => ErrorKind::Refused,
            code => kind_of(code),
        };
        let reason = format!("cannot commit offsets for group `{group}`: {}", words(code));
        self.context.plain(kind, reason)
    }
}

/// What a broker says to a commit from outside of a group that has members, by either protocol.
fn is_of_members(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::UnknownMemberId
            | RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::RebalanceInProgress
            | RDKafkaErrorCode::StaleMemberEpoch
            | RDKafkaErrorCode::NonEmptyGroup
    )
}
