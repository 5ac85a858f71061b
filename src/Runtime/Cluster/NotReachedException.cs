namespace Singa.Actors.Runtime.Cluster;

/// <summary>No node of the cluster answers. The message is one sentence for people: who was asked, what came back, what to do.</summary>
public sealed class NotReachedException(string message) : Exception(message);
