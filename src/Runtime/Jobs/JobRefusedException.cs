namespace Singa.Actors.Runtime.Jobs;

/// <summary>A job that cannot be run as it is. The message is one sentence for people: what, where, what to do.</summary>
public sealed class JobRefusedException(string message, Exception? inner = null) : Exception(message, inner);
