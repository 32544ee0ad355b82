// Words and numbers, in English and Chinese.

const WORDS = {
  en: {
    skip: "To the edges", map: "Topology", edges: "Edges", events: "What happened", findings: "Findings of the file",
    starting: "starting", running: "running", caught_up: "caught up", paused: "paused", retrying: "retrying", halted: "halted",
    ok: "as expected", warn: "worth a look", alarm: "alarm", live: "live", lost: "no connection",
    lag: "Lag", lagUnit: "records", rate: "Throughput", rateUnit: "records/s", age: "Oldest waits", p50: "Latency, half",
    p99: "Latency, 99 %", copied: "Copied", dropped: "Dropped", refused: "Refused", heard: "Last heard", ago: "ago",
    group: "Group", partitions: "Partitions", partition: "Partition", position: "Position", state: "State", target: "Target",
    pause: "Pause", resume: "Resume", close: "Close", hour: "last hour", nothing: "Nothing so far.",
    none: "None: the check found nothing to say.", token: "Token", cancel: "Cancel", go: "Go on",
    tokenWhy: "Pausing and resuming need the value of CROSSDOCK_TOKEN.", dark: "Dark", light: "Light",
    other: "中文", error: "error", warning: "warning", note: "note", unreachable: "no answer", more: "more", to: "to", bytes: "Bytes/s",
    synced: "in step", active_on_target: "active at the target", ahead: "ahead at the target",
    nothing_replicated_yet: "nothing replicated yet", excluded: "left out",
  },
  zh: {
    skip: "跳到复制链路", map: "拓扑", edges: "复制链路", events: "最近事件", findings: "拓扑文件检查",
    starting: "启动中", running: "复制中", caught_up: "已追平", paused: "已暂停", retrying: "重试中", halted: "已停住",
    ok: "正常", warn: "需留意", alarm: "告警", live: "实时", lost: "连接中断",
    lag: "滞后", lagUnit: "条", rate: "吞吐", rateUnit: "条/秒", age: "最久等待", p50: "延迟（半数）",
    p99: "延迟（99 %）", copied: "已复制", dropped: "已丢弃", refused: "被拒绝", heard: "最近应答", ago: "前",
    group: "消费组", partitions: "分区", partition: "分区", position: "位置", state: "状态", target: "目标",
    pause: "暂停", resume: "恢复", close: "关闭", hour: "最近一小时", nothing: "暂无。",
    none: "检查未发现问题。", token: "令牌", cancel: "取消", go: "继续",
    tokenWhy: "暂停与恢复需要 CROSSDOCK_TOKEN 的值。", dark: "深色", light: "浅色",
    other: "English", error: "错误", warning: "警告", note: "提示", unreachable: "无应答", more: "更多", to: "到", bytes: "字节/秒",
    synced: "已同步", active_on_target: "目标端有成员", ahead: "目标端更靠前",
    nothing_replicated_yet: "尚无复制数据", excluded: "已排除",
  },
};

let language = localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");

export const t = (word) => WORDS[language][word] ?? word;

export function speak(next) {
  if (next) {
    language = next;
    localStorage.setItem("language", next);
  }
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = t(element.dataset.word);
}

export const otherLanguage = () => (language === "zh" ? "en" : "zh");

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en");

export const short = (n) => compact.format(n);
export const full = (n) => (n === null || n === undefined ? "–" : whole.format(n));
export const clock = (ms) => new Date(ms).toLocaleTimeString(document.documentElement.lang, { hour12: false });

export function seconds(s) {
  if (s === null || s === undefined) return "–";
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 600) return `${Math.round(s)} s`;
  if (s < 36000) return `${Math.round(s / 60)} min`;
  return `${Math.round(s / 3600)} h`;
}

export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (n >= 1024 && unit < 3) {
    n /= 1024;
    unit += 1;
  }
  return `${n < 10 && unit > 0 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}
