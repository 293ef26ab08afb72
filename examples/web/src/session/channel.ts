// Tells the other tabs of this browser that the session has changed.
type Message = "signed in" | "signed out";

const channel = new BroadcastChannel("freehold-session");

export function tellOtherTabs(message: Message): void {
  channel.postMessage(message);
}

export function onOtherTab(listener: (message: Message) => void): () => void {
  const hear = (event: MessageEvent<Message>) => listener(event.data);
  channel.addEventListener("message", hear);
  return () => channel.removeEventListener("message", hear);
}
