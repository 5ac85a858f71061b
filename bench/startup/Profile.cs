using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Singa.Actors.Bench.Startup;

/// <summary>
/// A profile as crossgen2 reads it (<c>--mibc</c>): a library without types whose method <c>AssemblyDictionary</c> names, for each set of assemblies, a method
/// that names methods to be compiled ahead of time. Source: the format's description at MIbcProfileParser in dotnet/runtime.
/// </summary>
internal sealed class Profile(string name)
{
    private const int Stack = 8;

    private readonly References references = new();
    private readonly SortedDictionary<string, InstructionEncoder> groups = new(StringComparer.Ordinal);

    /// <summary>False for a method that has no name outside the runtime.</summary>
    public bool Add(MethodBase method)
    {
        if (method.DeclaringType is null || references.Method(method) is not { } token)
            return false;
        string group = string.Concat(Assemblies(method).Distinct().Select(a => a + ";"));
        if (!groups.TryGetValue(group, out var names))
            groups[group] = names = new InstructionEncoder(new BlobBuilder());
        names.OpCode(ILOpCode.Ldtoken);
        names.Token(token);
        names.OpCode(ILOpCode.Pop);
        return true;
    }

    public byte[] Build()
    {
        var metadata = references.Metadata;
        metadata.AddModule(0, metadata.GetOrAddString(name), metadata.GetOrAddGuid(Guid.Empty), default, default);
        metadata.AddAssembly(metadata.GetOrAddString(name), new Version(0, 0), default, default, default, AssemblyHashAlgorithm.None);
        metadata.AddTypeDefinition(default, default, metadata.GetOrAddString("<Module>"), default, MetadataTokens.FieldDefinitionHandle(1), MetadataTokens.MethodDefinitionHandle(1));
        var bodies = new MethodBodyStreamEncoder(new BlobBuilder());
        var signature = new BlobBuilder();
        new BlobEncoder(signature).MethodSignature().Parameters(0, r => r.Void(), _ => { });
        var dictionary = new InstructionEncoder(new BlobBuilder());
        int number = 0;
        foreach (var (group, names) in groups)
        {
            dictionary.LoadString(metadata.GetOrAddUserString(group));
            dictionary.OpCode(ILOpCode.Ldtoken);
            dictionary.Token(Define($"Assemblies_{++number}", names));
            dictionary.OpCode(ILOpCode.Pop);
        }

        Define("AssemblyDictionary", dictionary);
        var image = new BlobBuilder();
        new ManagedPEBuilder(PEHeaderBuilder.CreateLibraryHeader(), new MetadataRootBuilder(metadata), bodies.Builder, deterministicIdProvider: _ => default).Serialize(image);
        return image.ToArray();

        MethodDefinitionHandle Define(string method, InstructionEncoder body)
        {
            body.OpCode(ILOpCode.Ret);
            return metadata.AddMethodDefinition(MethodAttributes.Public | MethodAttributes.Static, MethodImplAttributes.IL, metadata.GetOrAddString(method),
                metadata.GetOrAddBlob(signature), bodies.AddMethodBody(body, Stack), MetadataTokens.ParameterHandle(1));
        }
    }

    // The assembly that defines the method comes first.
    private static IEnumerable<string> Assemblies(MethodBase method)
    {
        IEnumerable<Type> arguments = [.. method.DeclaringType!.GetGenericArguments(), .. method.IsGenericMethod ? method.GetGenericArguments() : []];
        return [References.Assembly(method.DeclaringType), .. arguments.SelectMany(Of).Order(StringComparer.Ordinal)];

        static IEnumerable<string> Of(Type type) => type.HasElementType ? Of(type.GetElementType()!)
            : type.IsPrimitive || References.IsCanonical(type) ? []
            : [References.Assembly(type), .. type.GetGenericArguments().SelectMany(Of)];
    }
}
