namespace Singa.Actors.Runtime;

/// <summary>Training that had begun could not go on. The message is one sentence for people: what, where, what to do.</summary>
public sealed class TrainingFailedException(string message, Exception? inner = null) : Exception(message, inner);
