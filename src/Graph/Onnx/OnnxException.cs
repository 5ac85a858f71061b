namespace Singa.Actors.Graph.Onnx;

/// <summary>A file that is no ONNX model, or one that contradicts itself. The message is one sentence for people: what and where.</summary>
public sealed class OnnxException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A well-formed model that asks for something this version does not have.</summary>
public sealed class OnnxUnsupportedException(string message) : Exception(message);

/// <summary>A model whose graph would be larger than is allowed here.</summary>
public sealed class OnnxTooLargeException(string message) : Exception(message);
