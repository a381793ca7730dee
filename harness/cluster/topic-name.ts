/** Whether a topic may have a name (Topic.validate): a name enters, the answer leaves. */
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

export const isTopicName = (name: string): boolean => TOPIC_NAME.test(name) && name !== '.' && name !== '..';
