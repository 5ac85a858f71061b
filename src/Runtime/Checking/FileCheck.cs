using Singa.Actors.Graph;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Checking;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Text;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Runtime.Checking;

/// <summary>Whether a file is what it claims to be. Form is judged (structure, types, shapes, bounds), not whether anybody could use it.</summary>
public static class FileCheck
{
    // Of what a file may take in memory.
    private static readonly OnnxLimits Limits = OnnxLimits.Default with { MemoryBytes = 640L << 20 };

    /// <summary>Null, or why the file is none of its kind: one sentence. The kind is told by the name's ending or, failing that, by the first bytes.</summary>
    public static string? Refusal(string path)
    {
        if (Directory.Exists(path))
            return "it is a folder";
        const string missing = "there is no such file";
        if (!File.Exists(path))
            return missing;
        try
        {
            using var content = DataFile.Open(path);
            return Refusal(path, content);
        }
        catch (JobRefusedException e)
        {
            return e.InnerException is FileNotFoundException or DirectoryNotFoundException ? missing : e.Message;
        }
        catch (NotSupportedException)
        {
            return "it is no file that can be looked at from its beginning to its end";
        }
    }

    /// <param name="name">What the content is called; relative paths in it count from its folder.</param>
    /// <param name="content">Can be sought.</param>
    public static string? Refusal(string name, Stream content)
    {
        try
        {
            if (content.Length == 0)
                return "it is empty";
            Check(FileKinds.Of(name, content), name, content);
            return null;
        }
        catch (Exception e) when (e is OnnxException or ModelFileException or JobRefusedException or GraphException or IOException or InvalidDataException)
        {
            return e.Message;
        }
        catch (OutOfMemoryException)
        {
            return "looking at it takes more memory than is allowed";
        }
    }

    private static void Check(FileKind kind, string name, Stream content)
    {
        switch (kind)
        {
            case FileKind.Onnx:
                ModelCheck.Run(OnnxFile.ReadModel(content, Limits), new ExternalFolder(Folder(name)), Limits);
                break;
            case FileKind.OnnxTensor:
                TestData(ReadAll(content, Limits.MemoryBytes / 2), new TensorReader(Limits, new ExternalFolder(Folder(name))));
                break;
            case FileKind.SafeTensors:
                SafeTensorsHeader.Read(content, name);
                break;
            case FileKind.Idx:
                IdxCheck.Run(content);
                break;
            case FileKind.Cifar:
                CifarCheck.Run(content);
                break;
            case FileKind.Table:
                TableCheck.Run(name, content);
                break;
            case FileKind.Text:
                foreach (var _ in TextFile.CodePoints(content, name, CancellationToken.None))
                {
                }

                break;
            case FileKind.Job:
                JobFile.Check(JobFile.ReadText(content, name), name, Folder(name));
                break;
            default:
                throw new JobRefusedException($"it is of no kind that is known here: {FileKinds.Known}");
        }
    }

    /// <summary>A tensor, or else a sequence or an optional value: which of them, only whoever expects it knows.</summary>
    private static void TestData(byte[] data, TensorReader reader)
    {
        try
        {
            reader.Check(OnnxFile.ReadTensor(data, Limits));
            return;
        }
        catch (OnnxException) when (Passes(() => Tensors(OnnxFile.ReadSequence(data, Limits)).ToList().ForEach(t => reader.Check(t)))
            || Passes(() => Tensors(OnnxFile.ReadOptional(data, Limits)).ToList().ForEach(t => reader.Check(t))))
        {
        }

        static bool Passes(Action check)
        {
            try
            {
                check();
                return true;
            }
            catch (OnnxException)
            {
                return false;
            }
        }

        static IEnumerable<TensorProto> Tensors(object? value) => value switch
        {
            SequenceProto s => s.TensorValues.Concat(s.SequenceValues.Concat<object>(s.OptionalValues).SelectMany(Tensors)),
            OptionalProto o => new object?[] { o.SequenceValue, o.OptionalValue }.SelectMany(Tensors).Concat(o.TensorValue is null ? [] : [o.TensorValue]),
            _ => [],
        };
    }

    private static string Folder(string name) => Path.GetDirectoryName(Path.GetFullPath(name))!;

    private static byte[] ReadAll(Stream content, long most)
    {
        if (content.Length > most)
            throw new OnnxException($"it has {content.Length:N0} bytes; {most:N0} is the most");
        var data = new byte[content.Length];
        int read = content.ReadAtLeast(data, data.Length, throwOnEndOfStream: false);
        return read == data.Length ? data : data[..read];
    }
}
