# frozen_string_literal: true

# Runs one recipe of a cookbook without Chef, and prints as JSON which resources it would have converged, in their order.
#
#   ruby chef-recorder.rb COOKBOOK SCENARIO.json
#
# The recipe and the custom resource are real Ruby, run in unified mode: each inner resource counts when it is declared. What
# Chef itself would refuse is refused: unknown resources, properties, actions, values of a wrong type, and notifications of
# what isn't declared. Files below the cache path are written, commands run, all else is only recorded.

require 'fileutils'
require 'json'
require 'open3'

COOKBOOK, scenario_file = ARGV
SCENARIO = JSON.parse(File.read(scenario_file))
RECORD = { 'resources' => [], 'warnings' => [] }
EXISTING = SCENARIO.fetch('existing', []).dup

# Those of Chef's own resources that are known here (Chef Infra documentation, "All Infra resources"): properties and actions.
KNOWN = {
  service: [%i[service_name], %i[nothing enable disable start stop restart reload]],
  file: [%i[content owner group mode verify sensitive], %i[nothing create create_if_missing delete touch]],
  remote_file: [%i[source checksum owner group mode], %i[nothing create create_if_missing delete]],
  package: [%i[version source], %i[nothing install upgrade remove purge]],
  dpkg_package: [%i[version source], %i[nothing install upgrade remove purge]],
  rpm_package: [%i[version source], %i[nothing install upgrade remove]]
}.freeze

module Chef
  Config = { file_cache_path: SCENARIO.fetch('cache') }.freeze

  module Log
    def self.warn(text)
      RECORD['warnings'] << text
    end
  end
end

# The machine's own files of these names don't count.
File.singleton_class.prepend(Module.new do
  def exist?(path)
    path.start_with?('/etc/') ? EXISTING.include?(path) : super
  end
end)

# Commands run for real; failtome is the program that the scenario names.
def run_command(words)
  command = words.first == 'failtome' ? SCENARIO.fetch('failtome') + words.drop(1) : words
  Open3.capture3(SCENARIO.fetch('environment', {}), *command)
end

ShellOut = Struct.new(:stdout, :stderr, :exitstatus)

# One of Chef's own resources, as it is declared.
class Declared
  def initialize(type, name, declared, around)
    @type = type
    @around = around
    @properties, @actions = KNOWN.fetch(type)
    @declared = declared
    @record = { 'type' => type.to_s, 'name' => name, 'action' => [], 'notifies' => [], 'properties' => {} }
  end

  def action(names)
    chosen = [names].flatten
    unknown = chosen - @actions
    raise "#{@type} has no action #{unknown.first}" unless unknown.empty?

    @record['action'] = chosen.map(&:to_s)
  end

  def notifies(action, target, timing)
    raise "nobody declared #{target}" unless @declared.include?(target)
    raise "there is no timing #{timing}" unless %i[immediately delayed before].include?(timing)

    @record['notifies'] << [action.to_s, target, timing.to_s]
  end

  def converge
    @record['action'] = [@actions.fetch(1).to_s] if @record['action'].empty?
    RECORD['resources'] << @record
    write if %w[file remote_file].include?(@type.to_s)
    @record
  end

  # A property of the resource, or else what the action around it has (Chef::Resource#method_missing).
  def method_missing(name, *values)
    unless @properties.include?(name)
      return @around.public_send(name, *values) if @around.respond_to?(name)

      raise NoMethodError, "#{@type} has no property #{name}"
    end
    @record['properties'][name.to_s] = values.fetch(0)
  end

  def respond_to_missing?(name, all = false)
    @properties.include?(name) || @around.respond_to?(name) || super
  end

  private

  def write
    path = @record['name']
    return if @record['action'] == ['create_if_missing'] && File.exist?(path)
    return EXISTING.delete(path) if @record['action'] == ['delete']

    content = @record['properties']['content']
    cached = path.start_with?(Chef::Config[:file_cache_path])
    check_by_command(content)
    cached && content ? File.write(path, content) : EXISTING << path
  end

  def check_by_command(content)
    command = @record['properties']['verify']
    return if command.nil?

    file = File.join(Chef::Config[:file_cache_path], 'to-verify.yaml')
    File.write(file, content)
    words = command.sub(/ >.*/, '').split.map { |word| word == '%{path}' ? file : word }
    _, stderr, status = run_command(words)
    raise "verification failed: #{stderr}" unless status.success?
  end
end

# What recipes and actions may say.
module Recipe
  KNOWN.each_key do |type|
    define_method(type) do |name, &block|
      @declared ||= []
      resource = Declared.new(type, name, @declared, self)
      resource.instance_eval(&block) if block
      @declared << "#{type}[#{name}]"
      resource.converge
    end
  end

  def platform_family?(*names)
    names.include?(SCENARIO.fetch('platform_family'))
  end

  def shell_out(*words)
    stdout, stderr, status = run_command(words)
    ShellOut.new(stdout, stderr, status.exitstatus)
  end

  def shell_out!(*words)
    result = shell_out(*words)
    raise "#{words.join(' ')}: #{result.stderr}" unless result.exitstatus.zero?

    result
  end
end

# A custom resource, as its file declares it.
class CustomResource
  attr_reader :properties, :actions, :helpers, :names, :default

  def initialize(file)
    @properties = {}
    @actions = {}
    @helpers = Module.new
    @names = []
    instance_eval(File.read(file), file)
    raise "#{file} is not in unified mode" unless @unified
  end

  def unified_mode(value)
    @unified = value
  end

  def provides(name)
    @names |= [name]
  end
  alias resource_name provides

  def property(name, types, default: nil, regex: nil, equal_to: nil, sensitive: false, description: nil)
    raise "#{name} has no description" if description.nil?

    @properties[name] = { types: [types].flatten, default: default, regex: regex, equal_to: equal_to, sensitive: sensitive }
  end

  def default_action(name)
    @default = name
  end

  def action(name, &block)
    @actions[name] = block
  end

  def action_class(&block)
    @helpers = Module.new(&block)
  end

  # Nil leaves a property at its default (Chef::Property#input_to_stored_value).
  def check(name, value)
    rule = properties.fetch(name) { raise NoMethodError, "there is no property #{name}" }
    return rule[:default] if value.nil?

    fits = rule[:types].any? { |type| value.is_a?(type) }
    fits &&= rule[:regex].match?(value) if rule[:regex]
    fits &&= rule[:equal_to].include?(value) if rule[:equal_to]
    raise ArgumentError, "#{name} can't be #{value.inspect}" unless fits

    value
  end
end

# A use of a custom resource in a recipe.
class Use
  attr_reader :chosen

  def initialize(kind)
    @kind = kind
    @values = kind.properties.transform_values { |rule| rule[:default] }
    @chosen = [kind.default]
  end

  def action(names)
    @chosen = [names].flatten
  end

  def value(name)
    @values.fetch(name)
  end

  def method_missing(name, *values)
    super unless @kind.properties.key?(name)
    @values[name] = @kind.check(name, values.fetch(0))
  end

  def respond_to_missing?(name, all = false)
    @kind.properties.key?(name) || super
  end
end

KINDS = Dir[File.join(COOKBOOK, 'resources', '*.rb')].map { |file| CustomResource.new(file) }
# The order in which a use is read, and then run.
KINDS.each do |kind|
  kind.names.each do |name|
    Recipe.define_method(name) do |_label, &block|
      use = Use.new(kind)
      node = self.node
      use.define_singleton_method(:node) { node }
      use.instance_eval(&block) if block
      new_resource = Struct.new(*kind.properties.keys).new(*kind.properties.keys.map { |key| use.value(key) })
      use.chosen.each do |action|
        body = kind.actions.fetch(action) { raise "#{name} has no action #{action}" }
        context = Object.new
        context.extend(Recipe)
        context.extend(kind.helpers)
        context.define_singleton_method(:new_resource) { new_resource }
        context.instance_eval(&body)
      end
    end
  end
end

# Attributes: the cookbook's defaults, and over them the scenario's.
class Attributes
  def initialize
    @all = Hash.new { |hash, key| hash[key] = {} }
  end

  def default
    @all
  end

  def merged(over)
    merge = ->(_, low, high) { low.is_a?(Hash) && high.is_a?(Hash) ? low.merge(high, &merge) : high }
    @all.merge(over, &merge)
  end
end

attributes = Attributes.new
Dir[File.join(COOKBOOK, 'attributes', '*.rb')].each { |file| attributes.instance_eval(File.read(file), file) }
NODE = attributes.merged(SCENARIO.fetch('attributes', {}))

# The metadata: each line is one of these words.
class Metadata
  WORDS = %i[name maintainer license description version chef_version supports].freeze

  WORDS.each do |word|
    define_method(word) { |*values| (RECORD['metadata'] ||= []) << [word.to_s, *values] }
  end
end

Metadata.new.instance_eval(File.read(File.join(COOKBOOK, 'metadata.rb')))
recipe = Object.new
recipe.extend(Recipe)
recipe.define_singleton_method(:node) { NODE }
file = File.join(COOKBOOK, 'recipes', "#{SCENARIO.fetch('recipe')}.rb")
recipe.instance_eval(File.read(file), file)
puts JSON.generate(RECORD)
